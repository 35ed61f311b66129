// Owns the coverage of a table over a range of the chain: a bar, its legend, and the exact ranges.
import { h, s } from './dom.js'
import { number, range } from './format.js'

/** Key in `status --json`, and in words; later ones are drawn over earlier ones. What is under none of them is missing. */
const KINDS = [
  ['covered', 'done'],
  ['accepted', 'accepted'],
  ['source_gaps', 'source gap'],
  ['incomplete', 'incomplete'],
  ['stale', 'stale'],
  ['dirty', 'dirty'],
  ['in_progress', 'in progress'],
]
const ALL = [...KINDS, ['missing', 'missing']]
/** Of a bar, in units of its picture. */
export const WIDTH = 1000

/** A bar as wide as its place; `parts` are drawn one over the other. */
export function strip(label, ...parts) {
  return s(
    'svg',
    {
      class: 'coverage',
      viewBox: `0 0 ${WIDTH} 20`,
      preserveAspectRatio: 'none',
      role: 'img',
      'aria-label': label,
    },
    ...parts,
  )
}

/** Which part of [low, high] each kind has; a part is never too thin to be seen. */
export function bar(table, sums, [low, high], zoomTo) {
  const scale = WIDTH / (high - low + 1)
  const part = ([from, to], kind) => {
    const x = Math.max(0, (from - low) * scale)
    const end = Math.min(WIDTH, (to + 1 - low) * scale)
    return end <= x ? undefined : s('rect', { class: kind, x, width: Math.max(1, end - x), height: 20 })
  }
  const span = table.first === null ? [] : [part([table.first, table.head], 'missing')]
  const parts = KINDS.flatMap(([kind]) => table[kind].map((one) => part(one, kind)))
  const said = ALL.filter(([kind]) => sums[kind].blocks > 0).map(
    ([kind, word]) => `${word} ${number(sums[kind].blocks)}`,
  )
  const label = `Coverage of ${table.table}, blocks: ${said.join(', ') || 'none expected'}`
  const picture = strip(label, s('title', {}, label), span, parts)
  const blockAt = (event) => {
    const { left, width } = picture.getBoundingClientRect()
    const share = Math.min(1, Math.max(0, (event.clientX - left) / width))
    return low + Math.min(high - low, Math.floor(share * (high - low + 1)))
  }
  let start
  picture.addEventListener('pointerdown', (event) => (start = blockAt(event)))
  picture.addEventListener('pointerup', (event) => {
    const end = blockAt(event)
    if (start !== undefined && start !== end) zoomTo([Math.min(start, end), Math.max(start, end)])
    start = undefined
  })
  return picture
}

export function legend() {
  return h(
    'p',
    { class: 'legend' },
    ALL.map(([kind, word]) => h('span', { class: kind }, word)),
  )
}

/** Every range of a table within [low, high], by kind; those that the page leaves out are counted. */
export function exactRanges(table, sums, [low, high]) {
  const lines = ALL.flatMap(([kind, word]) => {
    const inside = table[kind].filter(([from, to]) => to >= low && from <= high)
    const { left_out: leftOut } = sums[kind]
    const more = leftOut > 0 ? `; ${number(leftOut)} shorter ones are in status --json` : ''
    return inside.length === 0
      ? []
      : [h('dt', {}, word), h('dd', {}, `${inside.map(range).join(', ')}${more}`)]
  })
  return h('dl', { class: 'ranges' }, lines)
}
