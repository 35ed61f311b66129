// Owns the chart of part a for the README: an SVG that reads on light and on dark ground.
import type { Report } from './report.ts'

const WIDTH = 820
const LABELS = 300
const BARS = 400
const BAR = 11
const ROW = 34
const TOP = 64

/** Two bars a table, in seconds: the Python manner above, `up` below, with the ratio beside it. */
export function chart({ rows }: Report): string {
  const bars = rows.map(([label, old, single, now]) => ({
    label: String(label) === 'all' ? 'all tables, jobs side by side' : String(label),
    old: Number(old),
    now: Number(label === 'all' ? now : single),
  }))
  // The sum dwarfs the tables: it has a scale of its own.
  const scaleOf = (label: string) => {
    const same = bars.filter((bar) => bar.label.startsWith('all ') === label.startsWith('all '))
    return BARS / Math.max(...same.flatMap(({ old, now }) => [old, now]))
  }
  const height = TOP + bars.length * ROW + 8
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${TITLE}">
<style>
text { font: 13px system-ui, sans-serif; fill: #24292f }
.title { font-weight: 600; font-size: 15px }
.old { fill: #8c959f } .now { fill: #1a7f37 }
@media (prefers-color-scheme: dark) { text { fill: #e6edf3 } .old { fill: #6e7681 } .now { fill: #3fb950 } }
</style>
<text class="title" x="8" y="22">${TITLE}</text>
<rect class="old" x="8" y="36" width="12" height="12"/><text x="26" y="47">Python manner</text>
<rect class="now" x="138" y="36" width="12" height="12"/><text x="156" y="47">backfill</text>
${bars.map((bar, index) => row(bar, TOP + index * ROW, scaleOf(bar.label))).join('\n')}
</svg>
`
}

const TITLE = 'Seconds to fill each table, Python manner and backfill'

type Bar = { readonly label: string; readonly old: number; readonly now: number }

function row({ label, old, now }: Bar, y: number, scale: number): string {
  const bar = (name: string, value: number, top: number, note: string) =>
    `<rect class="${name}" x="${LABELS}" y="${top}" width="${Math.max(1, value * scale).toFixed(1)}" height="${BAR}"/>` +
    `<text x="${(LABELS + value * scale + 6).toFixed(1)}" y="${top + BAR - 1}">${value.toFixed(1)} s${note}</text>`
  return [
    `<text x="${LABELS - 8}" y="${y + BAR + 5}" text-anchor="end">${label}</text>`,
    bar('old', old, y, ''),
    bar('now', now, y + BAR + 2, `, ${(old / now).toFixed(1)}×`),
  ].join('')
}
