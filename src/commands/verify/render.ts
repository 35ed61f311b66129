// Owns how a verification looks: a line per table, differences with example rows, the next command; also as JSON. Pure.
import { type Range, rangeFlags } from '../../model/blocks.ts'
import { EXIT } from '../../model/errors.ts'
import type { TableDefinition } from '../../model/model.ts'
import type { Comparison, DifferenceKind } from './compare.ts'
import type { ChunkComparison, VerifyReport, WhyStale } from './verify.ts'
import type { NotCompared } from '../../targets/compared-columns.ts'
import {
  count,
  duration,
  listOf,
  number,
  formatRanges,
  formatRange,
  type Colors,
  amountOf,
} from '../../terminal/render/format.ts'
import { STALE_REASONS } from '../../ledger/stale.ts'
import { renderRowDiff, type SignedRow } from '../../terminal/render/table.ts'

type VerifiedTable = VerifyReport['tables'][number]

/** 7 for an unexplained difference, 4 if all differences are explained, 0 if there is none. */
export function verifyCode({ tables }: VerifyReport): number {
  const odd = tables.flatMap(({ ranges }) => ranges.filter(({ outcome }) => outcome !== 'same'))
  if (odd.length === 0) return EXIT.ok
  return odd.some(({ outcome, why }) => outcome === 'duplicates' || why === undefined)
    ? EXIT.different
    : EXIT.stale
}

export function comparisonLine(table: string, chunkComparison: ChunkComparison, colors: Colors): string {
  const rows = count(chunkComparison.recomputed.rows, 'row')
  return `${table}  ${formatRange(chunkComparison)}  ${wordOf(chunkComparison, colors)}  ${rows}  ${duration(chunkComparison.elapsedMs)}`
}

/** `known`: all tables of the folder, for the next commands; undefined: none are printed. */
export function renderVerify(
  report: VerifyReport,
  colors: Colors,
  known?: readonly Reader[],
): readonly string[] {
  const blocks = report.tables.map((table) =>
    listOf(tableLines(table, colors), known && nextLines(table, known)),
  )
  return listOf(
    blocks.flatMap((lines, index) => (index === 0 ? lines : ['', ...lines])),
    report.seed !== null && `A sample; repeat it with --seed ${report.seed}`,
  )
}

function tableLines(table: VerifiedTable, colors: Colors): readonly string[] {
  const { ranges, chunks, notCompared, dirty } = table
  const of = (wanted: (chunkComparison: ChunkComparison) => boolean) => ranges.filter(wanted).length
  const tally = [
    [of(({ outcome, why }) => outcome === 'same' && why === undefined), 'same'],
    [of(({ outcome, why }) => outcome === 'same' && why !== undefined), 'same although stale'],
    [of(({ outcome, why }) => outcome === 'different' && why !== undefined), 'different for a known reason'],
    [of(({ outcome, why }) => outcome === 'different' && why === undefined), 'DIFFERENT'],
    [of(({ outcome }) => outcome === 'duplicates'), 'with several rows of one key'],
  ] as const
  const looked =
    chunks === 0
      ? 'no done block to verify'
      : `${number(ranges.length)} of ${count(chunks, 'chunk')} verified, ${amountOf(ranges)}: ${tally
          .filter(([chunksOf]) => chunksOf > 0)
          .map(([chunksOf, label]) => `${number(chunksOf)} ${label}`)
          .join(', ')}`
  const facts = [...Map.groupBy(notCompared, ({ why }) => why)].map(
    ([why, columns]) => `not compared: ${columns.map(({ name }) => name).join(', ')} (${NOT_COMPARED[why]})`,
  )
  const odd = ranges.filter(({ outcome }) => outcome !== 'same')
  return listOf(
    `${colors.bold(table.table)}  ${looked}`,
    listOf(facts, dirty.length > 0 && `not verified: dirty ${formatRanges(dirty)}`).map(
      (fact) => `  ${colors.yellow(fact)}`,
    ),
    odd.slice(0, SHOWN).flatMap((chunkComparison) => ['', ...oddLines(table, chunkComparison, colors)]),
    odd.length > SHOWN && ['', `and ${count(odd.length - SHOWN, 'more chunk')} that differ (--json has all)`],
  )
}

const SHOWN = 10

const NOT_COMPARED: Readonly<Record<NotCompared['why'], string>> = {
  nondeterministic: 'a different value each time',
  ttl: 'its TTL takes its values away',
  unknown: 'the server does not say whether the default is deterministic',
}

function wordOf({ outcome, why }: ChunkComparison, colors: Colors): string {
  if (outcome === 'duplicates') return colors.red('several rows of one key')
  if (outcome === 'different')
    return why === undefined ? colors.red('DIFFERENT') : colors.yellow(`different: ${WHY[why]}`)
  return why === undefined ? colors.green('same') : colors.green('same although stale')
}

const WHY: Readonly<Record<WhyStale, string>> = {
  sql: 'built by another version of the SQL',
  mixed: 'stale: rows of an earlier attempt may remain',
  forks: 'a fork that it uses has another block now',
  limits: 'outside of the blocks that the table holds now',
  inputs: 'a table that it reads has changed since it was built',
  sources: 'source rows have changed since it was built',
  dropped: 'the TTL or the engine of the table may have dropped or combined rows, so it cannot be checked',
  gone: 'source rows were deleted since it was built, so it cannot be checked',
}

function oddLines(
  { columns }: VerifiedTable,
  chunkComparison: ChunkComparison,
  colors: Colors,
): readonly string[] {
  const { recomputed, stored, differences, examples } = chunkComparison
  const sums = listOf(sumsText('computed again', recomputed), stored && sumsText('in the table', stored))
  return listOf(
    `${formatRange(chunkComparison)}  ${wordOf(chunkComparison, colors)}`,
    `  ${sums.join(', ')}`,
    ...DIFFERENCES.map(
      ([kind, label]) => differences[kind] > 0 && `  ${count(differences[kind], 'key')} ${label}`,
    ),
    exampleLines(columns, examples, colors).map((line) => `  ${line}`),
  )
}

function sumsText(name: string, { rows, keys }: Comparison['recomputed']): string {
  return `${name} ${count(rows, 'row')}${rows === keys ? '' : ` of ${count(keys, 'key')}`}`
}

const DIFFERENCES: readonly (readonly [DifferenceKind, string])[] = [
  ['missing', 'missing in the table'],
  ['unexpected', 'in the table that the range does not yield'],
  ['different', 'with other values in the table'],
  ['behind', 'whose row in the table is not as early (or late) as this range says'],
]

/** Rows of example keys, the computed row above the stored row. */
function exampleLines(
  columns: readonly string[],
  examples: Comparison['examples'],
  colors: Colors,
): readonly string[] {
  if (examples.length === 0) return []
  const rows = examples.flatMap(({ recomputed, stored }) =>
    listOf<SignedRow>(
      recomputed !== null && { sign: '-', values: recomputed, other: stored },
      stored !== null && { sign: '+', values: stored, other: recomputed },
    ),
  )
  return ['- computed again, + in the table; some of them:', ...renderRowDiff(columns, rows, colors)]
}

type Reader = Pick<TableDefinition, 'after'>

/** Tables that read the blocks would keep their old rows: without `--cascade`, redo refuses. */
export function redoCommand(table: string, range: Range, known: readonly Reader[]): string {
  const cascade = known.some(({ after }) => after.includes(table)) ? ' --cascade' : ''
  return `Next: backfill redo ${table} ${rangeFlags(range)}${cascade}`
}

function nextLines(
  { table, rows, hint, ranges }: VerifiedTable,
  known: readonly Reader[],
): readonly string[] {
  const odd = ranges.filter(({ outcome }) => outcome !== 'same')
  const corrupt = odd.filter(({ outcome, why }) => outcome === 'different' && why === undefined)
  const has = (...reasons: readonly WhyStale[]) =>
    odd.some(({ why }) => why !== undefined && reasons.includes(why))
  const lines = listOf(
    odd.some(({ outcome }) => outcome === 'duplicates') &&
      `The transform of ${table} yields several rows of one key: which of them the table keeps is random. Fix the file.`,
    rows === 'per-block'
      ? corrupt.slice(0, 3).map((range) => redoCommand(table, range, known))
      : corrupt.slice(0, 1).map(() => `Next: ${hint} (rows per key cannot be deleted by range)`),
    has(...STALE_REASONS) && `Next, for the stale ranges: ${hint}`,
    has('sources') &&
      `backfill verify --sources ${table} finds and marks all ranges whose sources have changed.`,
  )
  return lines.length === 0 ? [] : ['', ...lines]
}
