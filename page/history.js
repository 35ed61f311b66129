// Owns runs as a timeline, the chunks of the last one, the slowest chunks, and failures with their messages.
import { strip, WIDTH } from './coverage.js'
import { h, list, s } from './dom.js'
import { bytes, duration, minute, number, range } from './format.js'

/** One bar for each run, as long as it took. */
function timeline(runs) {
  const spans = runs.map(({ started, ended }) => [Date.parse(started), Date.parse(ended)])
  const low = Math.min(...spans.flat())
  const scale = WIDTH / Math.max(1, Math.max(...spans.flat()) - low)
  const bars = runs.map((run, at) => {
    const [from, to] = spans[at]
    const text = `${minute(run.started)} ${run.outcome}, ${number(run.chunks_done)} chunks in ${duration(to - from)}`
    const x = Math.min(WIDTH - 3, (from - low) * scale)
    return s(
      'rect',
      { 'data-outcome': run.outcome, x, width: Math.max(3, (to - from) * scale), height: 20 },
      s('title', {}, text),
    )
  })
  const label = `${runs.length} runs from ${minute(runs.at(-1).started)} to ${minute(runs[0].ended)} UTC`
  return strip(label, bars)
}

export function runHistory(runs) {
  if (runs.length === 0) return h('p', {}, 'no run yet')
  const rows = runs.map((run) => [
    minute(run.started),
    duration(Date.parse(run.ended) - Date.parse(run.started)),
    h('span', { 'data-outcome': run.outcome }, run.outcome),
    number(run.chunks_done),
    number(run.chunks_failed),
    number(run.blocks),
    number(run.rows_written),
    `${run.user}@${run.host}`,
    run.tables.map(({ table }) => table).join(', '),
    run.run_id.slice(0, 8),
  ])
  const headings = [
    'started (UTC)',
    'took',
    'outcome',
    'chunks',
    'failed',
    'blocks',
    'rows',
    'by',
    'tables',
    'run',
  ]
  return h('div', {}, timeline(runs), list('Runs', headings, rows))
}

/** Chunks of one run, a line for each table: when each ran, and beside which others. */
export function gantt(chunks) {
  // An attempt has a number; a mark of somebody's has none, and takes no time.
  const timed = chunks
    .filter(({ attempt }) => attempt > 0)
    .map((one) => ({ ...one, end: Date.parse(one.ended), start: Date.parse(one.ended) - one.elapsed_ms }))
    .toSorted((a, b) => a.start - b.start)
  if (timed.length === 0) return h('p', {}, 'no chunk yet')
  const low = timed[0].start
  const high = Math.max(...timed.map(({ end }) => end))
  const scale = WIDTH / Math.max(1, high - low)
  const bar = (one) => {
    const text = `${range([one.from, one.to])} ${one.event}, ${number(one.rows_written)} rows in ${duration(one.elapsed_ms)}`
    const x = Math.min(WIDTH - 2, (one.start - low) * scale)
    // A line between two that follow each other.
    const width = Math.max(2, (one.end - one.start) * scale - 1)
    return s('rect', { 'data-outcome': one.event, x, width, height: 20 }, s('title', {}, text))
  }
  const rows = [...Map.groupBy(timed, ({ table }) => table)].map(([table, own]) => {
    const spent = duration(own.reduce((sum, one) => sum + one.elapsed_ms, 0))
    const label = `${table}: ${number(own.length)} chunks, ${spent} in all`
    return [table, number(own.length), spent, strip(label, own.map(bar))]
  })
  const span = `${minute(new Date(low).toISOString())} UTC and the ${duration(high - low)} after`
  return list('Chunks of the last run', ['table', 'chunks', 'in all', span], rows)
}

export function slowest(chunks) {
  const rows = chunks.map((one) => [
    one.table,
    range([one.from, one.to]),
    duration(one.elapsed_ms),
    number(one.rows_read),
    number(one.rows_written),
    bytes(one.peak_memory),
    minute(one.ended),
  ])
  return list(
    'Slowest chunks',
    ['table', 'blocks', 'took', 'rows read', 'rows written', 'memory', 'ended (UTC)'],
    rows,
  )
}

export function failures(events) {
  if (events.length === 0) return h('p', {}, 'none')
  const rows = events.map((one) => [
    minute(one.ended),
    one.table,
    range([one.from, one.to]),
    one.event,
    one.error ?? '',
  ])
  return list('Failures', ['time (UTC)', 'table', 'blocks', 'outcome', 'message'], rows)
}
