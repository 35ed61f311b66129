// Owns how the comparison of tables with their ledger looks, as lines and as JSON. Pure.
import { EXIT } from '../../model/errors.ts'
import { type Colors, count, formatRange, number } from '../../terminal/render/format.ts'
import { isAsRecorded, type StoredCheck, type StoredDifference } from './stored.ts'

export function storedCode(checks: readonly StoredCheck[]): number {
  return checks.every(isAsRecorded) ? EXIT.ok : EXIT.different
}

export function renderStored(checks: readonly StoredCheck[], colors: Colors): readonly string[] {
  if (checks.length === 0) return ['No table to compare: none with rows per block exists']
  return checks.flatMap((check) => tableLines(check, colors))
}

const SHOWN = 10

const KINDS: Readonly<Record<StoredDifference['kind'], (difference: StoredDifference) => string>> = {
  lost: ({ recorded, stored }) => `${count(recorded - stored, 'row')} of ${number(recorded)} lost`,
  extra: ({ recorded, stored }) =>
    `${count(stored - recorded, 'row')} too many: ${number(stored)} in the table, ${number(recorded)} recorded`,
  changed: ({ stored }) => `other values: ${count(stored, 'row')}, as recorded`,
  stray: ({ stored }) => `${count(stored, 'row')} of blocks that are not done`,
}

function tableLines(check: StoredCheck, colors: Colors): readonly string[] {
  const { table, compared, unknown, rows, differences, more } = check
  const verdict = isAsRecorded(check) ? colors.green('as recorded') : colors.red('DIFFERENT')
  const shown = differences.slice(0, SHOWN)
  const rest = differences.length + more - shown.length
  const redoable = differences.filter(({ kind }) => kind !== 'stray')
  return [
    `${colors.bold(table)}  ${count(compared, 'done block')} compared, ${count(rows, 'row')} in the table: ${verdict}`,
    ...(unknown > 0
      ? [
          colors.yellow(
            `  ${count(unknown, 'done block')} not compared: the ledger has no digest of what they held (docs/explanation/reliability.md)`,
          ),
        ]
      : []),
    ...shown.map((difference) => `  ${formatRange(difference)}  ${KINDS[difference.kind](difference)}`),
    ...(rest > 0 ? [`  and ${count(rest, 'more range')} (--json has ${differences.length})`] : []),
    ...redoable.slice(0, 3).map(({ from, to }) => `  Next: backfill redo ${table} --from ${from} --to ${to}`),
  ]
}

export function storedFields({ compared, unknown, ...check }: StoredCheck): object {
  return { ...check, comparedBlocks: compared, unknownBlocks: unknown, same: isAsRecorded(check) }
}
