// Owns how a verification looks: a line a table, what differs with example rows, what to type next; the same as JSON. Pure.
import { EXIT } from '../../model/errors.ts'
import type { Range } from '../../model/blocks.ts'
import type { Comparison, DifferenceKind, Example } from './report.ts'
import type { NotCompared, Verdict, VerifiedTable, VerifyReport, WhyStale } from './report.ts'
import { count, duration, number, formatRanges, formatRange } from '../../terminal/render/format.ts'
import type { Colors } from '../../terminal/render/format.ts'
import { renderTable } from '../../terminal/render/table.ts'

/** 7 for a difference that nothing explains, 4 where each one is explained, 0 where all is as it should be. */
export function verifyCode({ tables }: VerifyReport): number {
  const odd = tables.flatMap(({ verdicts }) => verdicts.filter(({ outcome }) => outcome !== 'same'))
  if (odd.length === 0) return EXIT.ok
  return odd.some(({ outcome, why }) => outcome === 'duplicates' || why === undefined)
    ? EXIT.different
    : EXIT.stale
}

/** One line for a chunk that has been looked at. */
export function verdictLine(table: string, verdict: Verdict, colors: Colors): string {
  const rows = count(verdict.comparison.recomputed.rows, 'row')
  return `${table}  ${formatRange(verdict)}  ${wordOf(verdict, colors)}  ${rows}  ${duration(verdict.elapsedMs)}`
}

/** `next`: whether to say what to type about what differs. */
export function renderVerify(report: VerifyReport, colors: Colors, next = true): readonly string[] {
  const seed = report.seed === null ? [] : [`A sample; the same one again: --seed ${report.seed}`]
  const blocks = report.tables.map((table) => [
    ...tableLines(table, colors),
    ...(next ? nextLines(table) : []),
  ])
  return [...blocks.flatMap((lines, index) => (index === 0 ? lines : ['', ...lines])), ...seed]
}

function tableLines(table: VerifiedTable, colors: Colors): readonly string[] {
  const { verdicts, chunks, notCompared, dirty } = table
  const of = (wanted: (verdict: Verdict) => boolean) => verdicts.filter(wanted).length
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
      : `${number(verdicts.length)} of ${count(chunks, 'chunk')} verified, ${blocksText(verdicts)}: ${tally
          .filter(([chunksOf]) => chunksOf > 0)
          .map(([chunksOf, flags]) => `${number(chunksOf)} ${flags}`)
          .join(', ')}`
  const facts = [
    ...NOT_COMPARED.flatMap(([why, flags]) => {
      const names = notCompared.filter((column) => column.why === why).map(({ name }) => name)
      return names.length > 0 ? [`not compared: ${names.join(', ')} (${flags})`] : []
    }),
    ...(dirty.length > 0 ? [`not verified: dirty ${formatRanges(dirty)}`] : []),
  ]
  const odd = verdicts.filter(({ outcome }) => outcome !== 'same')
  return [
    `${colors.bold(table.table)}  ${looked}`,
    ...facts.map((fact) => `  ${colors.yellow(fact)}`),
    ...odd.slice(0, SHOWN).flatMap((verdict) => ['', ...oddLines(table, verdict, colors)]),
    ...(odd.length > SHOWN
      ? ['', `and ${count(odd.length - SHOWN, 'more chunk')} that differ (--json has all)`]
      : []),
  ]
}

const SHOWN = 10

const NOT_COMPARED: readonly (readonly [NotCompared['why'], string])[] = [
  ['nondeterministic', 'another value each time'],
  ['unknown', 'the server does not say whether the default is deterministic'],
]

function blocksText(ranges: readonly Range[]): string {
  return count(
    ranges.reduce((sum, { from, to }) => sum + to - from + 1, 0),
    'block',
  )
}

function wordOf({ outcome, why }: Verdict, colors: Colors): string {
  if (outcome === 'duplicates') return colors.red('several rows of one key')
  if (outcome === 'different')
    return why === undefined ? colors.red('DIFFERENT') : colors.yellow(`different: ${WHY[why]}`)
  return why === undefined ? colors.green('same') : colors.green('same although stale')
}

const WHY: Readonly<Record<WhyStale, string>> = {
  sql: 'built by another version of the SQL',
  mixed: 'stale, rows of an earlier try may be among them',
  late: 'source rows have changed since it was built',
  gone: 'source rows have gone since it was built, nobody can tell',
}

function oddLines({ columns }: VerifiedTable, verdict: Verdict, colors: Colors): readonly string[] {
  const { recomputed, stored, examples } = verdict.comparison
  return [
    `${formatRange(verdict)}  ${wordOf(verdict, colors)}`,
    `  ${[sumsText('computed again', recomputed), ...(stored === undefined ? [] : [sumsText('in the table', stored)])].join(', ')}`,
    ...differenceLines(verdict.comparison).map((line) => `  ${line}`),
    ...exampleLines(columns, examples, colors).map((line) => `  ${line}`),
  ]
}

function sumsText(name: string, { rows, keys }: Comparison['recomputed']): string {
  return `${name} ${count(rows, 'row')}${rows === keys ? '' : ` of ${count(keys, 'key')}`}`
}

function differenceLines({ differences, atLeast }: Comparison): readonly string[] {
  const least = atLeast ? 'at least ' : ''
  return DIFFERENCES.filter(([kind]) => differences[kind] > 0).map(
    ([kind, flags]) => `${least}${count(differences[kind], 'key')} ${flags}`,
  )
}

const DIFFERENCES: readonly (readonly [DifferenceKind, string])[] = [
  ['missing', 'missing in the table'],
  ['unexpected', 'in the table that the range does not yield'],
  ['different', 'with other values in the table'],
  ['behind', 'whose row in the table is not as early (or late) as this range says'],
]

type Line = {
  readonly sign: string
  readonly row: readonly string[]
  readonly other: readonly string[] | null
}

/** Rows of example keys, what was computed above what is stored. */
function exampleLines(
  columns: readonly string[],
  examples: readonly Example[],
  colors: Colors,
): readonly string[] {
  if (examples.length === 0) return []
  const lines = examples.flatMap(({ recomputed, stored }): readonly Line[] => [
    ...(recomputed === null ? [] : [{ sign: '-', row: recomputed, other: stored }]),
    ...(stored === null ? [] : [{ sign: '+', row: stored, other: recomputed }]),
  ])
  const table = renderTable(
    lines,
    [
      { title: '', cell: ({ sign }) => sign },
      ...columns.map((title, index) => ({
        title,
        cell: ({ row }: Line) => row[index] ?? '',
        colors: (cell: string, { sign, row, other }: Line) => {
          if (other?.[index] === row[index]) return cell
          return sign === '-' ? colors.red(cell) : colors.green(cell)
        },
      })),
    ],
    Infinity,
  )
  return ['- computed again, + in the table; some of them:', ...table.lines]
}

/** The commands that mend what differs. */
function nextLines({ table, rows, verdicts }: VerifiedTable): readonly string[] {
  const odd = verdicts.filter(({ outcome }) => outcome !== 'same')
  const corrupt = odd.filter(({ outcome, why }) => outcome === 'different' && why === undefined)
  const has = (...reasons: readonly WhyStale[]) =>
    odd.some(({ why }) => why !== undefined && reasons.includes(why))
  const redo =
    rows === 'per-block'
      ? corrupt.slice(0, 3).map(({ from, to }) => `Next: backfill redo ${table} --from ${from} --to ${to}`)
      : corrupt
          .slice(0, 1)
          .map(() => `Next: backfill rebuild ${table} (rows per key cannot be taken back by range)`)
  const lines = [
    ...(odd.some(({ outcome }) => outcome === 'duplicates')
      ? [
          `The transform of ${table} yields several rows of one key: which of them stays is chance. Fix the file.`,
        ]
      : []),
    ...redo,
    ...(has('sql', 'mixed', 'late')
      ? [
          `Next, for what is stale: backfill ${rows === 'per-block' ? `redo ${table} --stale` : `rebuild ${table}`}`,
        ]
      : []),
    ...(has('late')
      ? [`backfill verify --sources ${table} finds and marks all ranges whose sources have changed.`]
      : []),
  ]
  return lines.length === 0 ? [] : ['', ...lines]
}

/** `outcome`: same, different, duplicates; `why`: null, sql, mixed, late, gone. */
export function verifyFields({ tables, ...report }: VerifyReport): object {
  return {
    ...report,
    tables: tables.map(({ verdicts, ...table }) => ({
      ...table,
      verified: verdicts.length,
      ranges: verdicts.map(({ comparison, ...verdict }) => ({ ...verdict, ...comparison })),
    })),
  }
}
