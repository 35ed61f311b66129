// Owns the part of the page about one network: a line for each table, then what explains it.
import { charts } from './charts.js'
import { bar, legend } from './coverage.js'
import { detail } from './detail.js'
import { h, sentence } from './dom.js'
import { duration, minute, number, percent } from './format.js'
import { graph } from './graph.js'
import { failures, gantt, runHistory, slowest } from './history.js'

/** `view`: the zoom and the table that are chosen, kept in the address. */
export function networkPart(data, view) {
  const { status, definitions } = data
  const { tables } = status
  const sums = new Map(data.sums.map((one) => [one.table, one]))
  const whole = [
    Math.min(...tables.map(({ first }) => first ?? Infinity)),
    Math.max(...tables.map(({ head }) => head ?? 0)),
  ]
  const chain = whole[0] <= whole[1] ? whole : [0, 0]
  const [lines, picture, chosen] = [
    h('div'),
    h('div', { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'Graph' }),
    h('div'),
  ]
  const zoom = () => view.zoom ?? chain
  const zoomTo = (range) => show({ zoom: range })
  const select = (table) => show({ table })
  const [from, to] = ['from', 'to'].map((name) =>
    h('input', { inputmode: 'numeric', size: 11, 'aria-label': `Zoom ${name} block` }),
  )
  const typed = (event) => {
    event.preventDefault()
    const range = [from, to].map(({ value }) => Number(value.replaceAll(/[_,]/g, '')))
    if (range.every(Number.isSafeInteger) && range[0] <= range[1]) zoomTo(range)
  }
  const reset = h('button', { type: 'button', onclick: () => show({ zoom: undefined }) }, 'whole chain')
  const form = h(
    'form',
    { class: 'zoom', onsubmit: typed },
    'Blocks ',
    from,
    ' to ',
    to,
    h('button', {}, 'zoom'),
    reset,
  )
  show({})
  return h(
    'section',
    { 'data-network': data.network },
    h('h2', {}, data.network),
    h(
      'p',
      {},
      `Head ${number(status.head)}, newest source block ${number(status.newest)}, lag ${number(status.lag)}; ${data.addresses.servers}.`,
    ),
    h(
      'div',
      { class: 'next' },
      data.next.map((text) => h('p', {}, sentence(text))),
    ),
    form,
    lines,
    legend(),
    h(
      'div',
      {},
      data.sentences.map((text) => h('p', {}, sentence(text))),
    ),
    chosen,
    h('h3', {}, 'Sources and tables'),
    picture,
    h('h3', {}, 'Throughput'),
    charts(data.throughput),
    h('h3', {}, 'Runs'),
    runHistory(data.runs),
    h('h3', {}, 'Chunks of the last run'),
    gantt(data.chunks),
    h('h3', {}, 'Failures'),
    failures(data.failures),
    h('h3', {}, 'Slowest chunks'),
    slowest(data.slowest),
  )

  /** Draws what depends on the view. */
  function show(change) {
    view.set(change)
    ;[from.value, to.value] = zoom()
    lines.replaceChildren(overview())
    picture.replaceChildren(graph(definitions, tables, view.table, select))
    const table = tables.find((one) => one.table === view.table)
    const marks = data.marks.filter((one) => one.table === view.table)
    const definition = definitions.find((one) => one.table === view.table)
    chosen.replaceChildren(
      ...(table ? [detail({ table, sums: sums.get(table.table), definition, marks, zoom: zoom() })] : []),
    )
  }

  function overview() {
    const headings = [
      'table',
      'state',
      'done',
      'missing',
      'watermark',
      'head',
      'source age',
      'time left',
      'last run (UTC)',
      'coverage',
    ]
    const rows = tables.map((table) => {
      const name = h(
        'button',
        { type: 'button', class: 'name', onclick: () => select(table.table) },
        table.table,
      )
      const { sources } = definitions.find((one) => one.table === table.table)
      const ages = sources
        .map((source) => status.source_age_seconds[source])
        .filter((age) => age !== undefined)
      const cells = [
        [name],
        [[h('span', { 'data-state': table.state }, table.state), h('small', {}, table.standstill?.text)]],
        [percent(table.done_blocks, table.expected_blocks), table.done_blocks],
        [number(table.missing_blocks), table.missing_blocks],
        [number(table.watermark), table.watermark],
        [number(table.head), table.head],
        [ages.length === 0 ? '-' : duration(Math.max(...ages) * 1000)],
        [table.missing_blocks === 0 ? '-' : duration(table.expected_ms)],
        [minute(table.last_run)],
        [bar(table, sums.get(table.table), zoom(), zoomTo)],
      ]
      return h(
        'tr',
        { 'data-table': table.table },
        cells.map(([cell, value], at) =>
          h('td', { 'data-heading': headings[at], 'data-value': value ?? undefined }, cell),
        ),
      )
    })
    const head = h(
      'tr',
      {},
      headings.map((heading) => h('th', { scope: 'col' }, heading)),
    )
    return h('table', { class: 'overview' }, h('thead', {}, head), h('tbody', {}, rows))
  }
}
