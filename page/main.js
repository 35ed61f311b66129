// Owns the page as a whole: the data, the networks, the view in the address, and the next look of a live page.
import { h } from './dom.js'
import { minute } from './format.js'
import { networkPart } from './network.js'

const RELOAD_MS = 30_000
const data = JSON.parse(document.getElementById('data').textContent)

const inAddress = () => new URLSearchParams(location.hash.slice(1))

/** Zoom and chosen table of a network, as in `#mainnet.zoom=1-100&mainnet.table=address_diffs`. */
function viewOf(network) {
  const [zoom, table] = ['zoom', 'table'].map((name) => inAddress().get(`${network}.${name}`) ?? undefined)
  const view = { zoom: zoom?.split('-').map(Number), table }
  view.set = (change) => {
    Object.assign(view, change)
    const all = inAddress()
    for (const [name, value] of [
      ['zoom', view.zoom?.join('-')],
      ['table', view.table],
    ]) {
      if (value === undefined) all.delete(`${network}.${name}`)
      else all.set(`${network}.${name}`, value)
    }
    history.replaceState(null, '', `#${all}`)
  }
  return view
}

document.title = `backfill: ${data.networks.map(({ network }) => network).join(', ')}`
document
  .getElementById('main')
  .replaceChildren(
    h(
      'header',
      {},
      h('h1', {}, 'backfill'),
      h('p', {}, `As of ${minute(data.generated_at)} UTC, version ${data.tool_version}.`),
    ),
    ...data.networks.map((one) => networkPart(one, viewOf(one.network))),
  )
if (data.live)
  setInterval(
    () => document.hidden || document.activeElement?.tagName === 'INPUT' || location.reload(),
    RELOAD_MS,
  )
