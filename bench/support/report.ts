// Owns what a part of the benchmark hands back, and how it is printed: a table in Markdown.
import type { Chain } from './chain.ts'
import type { Server } from './server.ts'

/** What every part is given. */
export type Bench = {
  readonly server: Server
  readonly chain: Chain
  /** Alternating runs of which the median counts. */
  readonly runs: number
  /** Blocks of a step in the manner of the Python scripts. */
  readonly step: number
  /** Chunk sizes in blocks that part d compares. */
  readonly chunks: readonly number[]
  /** Chunk sizes in rows that part d compares. */
  readonly chunkRows: readonly number[]
  /** Events in the ledger of part f. */
  readonly events: number
  /** Chunks of part g's run. */
  readonly longRun: number
  /** Blocks of part i's chain. */
  readonly longChain: number
  /** Minutes in which blocks arrive in part k. */
  readonly liveMinutes: number
}

type Cell = string | number

/** A part's result: a title that says what the figures are, and a table of them. */
export type Report = {
  readonly title: string
  readonly columns: readonly string[]
  readonly rows: readonly (readonly Cell[])[]
}

export function printed({ title, columns, rows }: Report): string {
  const ruler = line(columns.map((_, index) => (typeof rows[0]?.[index] === 'number' ? '--:' : '---')))
  return [`\n${title}\n`, line(columns), ruler, ...rows.map(line)].join('\n')
}

function line(cells: readonly Cell[]): string {
  return `| ${cells.map(text).join(' | ')} |`
}

/** Three digits that count: 1234, 12.3, 0.123. */
function text(cell: Cell): string {
  if (typeof cell === 'string' || Number.isInteger(cell)) return String(cell)
  return cell >= 100 ? cell.toFixed(0) : String(Number(cell.toPrecision(3)))
}
