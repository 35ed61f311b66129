// Owns the charts of throughput over time, by table (uPlot).
/* global uPlot */
import { h } from './dom.js'
import { bytes, number } from './format.js'

const MEASURES = [
  ['blocks_per_second', 'blocks/s', (value) => number(Math.round(value * 10) / 10)],
  ['rows_per_second', 'rows written/s', (value) => number(Math.round(value))],
  ['peak_memory', 'peak memory', bytes],
]

/** `throughput`: for each table the slices of time in which it had chunks. */
export function charts(throughput) {
  if (throughput.length === 0) return h('p', {}, 'no chunk yet')
  const place = h('div', { class: 'chart' })
  const options = MEASURES.map(([key, word]) => h('option', { value: key }, word))
  const select = h('select', { onchange: () => draw() }, options)
  let chart
  const draw = () => {
    chart?.destroy()
    chart = drawn(
      place,
      throughput,
      MEASURES.find(([key]) => key === select.value),
    )
  }
  new ResizeObserver(() => (chart === undefined ? draw() : chart.setSize(sizeOf(place)))).observe(place)
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', draw)
  const seconds = number(throughput[0].slice_seconds)
  return h(
    'div',
    {},
    h('p', {}, h('label', {}, 'Show ', select), ` of each table, in slices of ${seconds} s (UTC)`),
    place,
  )
}

const sizeOf = (place) => ({ width: Math.max(280, place.clientWidth), height: 260 })

function drawn(place, throughput, [key, , text]) {
  const times = [...new Set(throughput.flatMap(({ time }) => time))].toSorted((a, b) => a - b)
  const values = throughput.map((one) => {
    const at = new Map(one.time.map((time, index) => [time, one[key][index]]))
    return times.map((time) => at.get(time) ?? null)
  })
  const css = (name) => getComputedStyle(place).getPropertyValue(name).trim()
  const axis = {
    stroke: css('color'),
    grid: { stroke: css('border-top-color') },
    ticks: { stroke: css('border-top-color') },
  }
  const lightness = matchMedia('(prefers-color-scheme: dark)').matches ? 65 : 40
  const series = throughput.map(({ table }, index) => ({
    label: table,
    stroke: `hsl(${Math.round((index * 360) / throughput.length)} 70% ${lightness}%)`,
    width: 1.5,
    spanGaps: true,
    value: (_, value) => (value === null ? '-' : text(value)),
  }))
  const isShort = times.at(-1) - times[0] < 86_400
  const clock = (seconds) => new Date(seconds * 1000).toISOString().slice(...(isShort ? [11, 19] : [0, 10]))
  const options = {
    ...sizeOf(place),
    series: [{ label: 'time', value: (_, seconds) => (seconds === null ? '-' : clock(seconds)) }, ...series],
    axes: [
      { ...axis, space: 90, values: (_, ticks) => ticks.map(clock) },
      { ...axis, size: 90, values: (_, ticks) => ticks.map(text) },
    ],
  }
  return new uPlot(options, [times, ...values], place)
}
