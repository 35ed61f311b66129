// Owns the explanation of stale ranges: which SQL built them, when, and why they are stale. Pure.
import { shortHash, type StaleReason } from '../../ledger/stale.ts'
import type { StaleSummary, StaleReport } from '../../planning/stale-ranges.ts'
import { amount, minute } from './format.ts'

/** Half a sentence; `current` is the hash of the file. */
export function staleText({ hash, reasons, built }: StaleReport, current: string): string {
  const why = reasons.map((reason) => REASON_WORDS[reason](shortHash(hash), shortHash(current))).join('; ')
  return built === null ? why : `${why}; built ${timesText(built)}`
}

/** One line for all tables: how many blocks, why, and what to type; none without a stale range. */
export function staleLines(tables: readonly StaleSummary[]): readonly string[] {
  if (tables.length === 0) return []
  const parts = tables.map(({ table, blocks, unit, reasons, lost }) => {
    const some = lost === blocks ? '' : `${amount(lost, unit)} of them `
    const gone = lost > 0 ? `; ${some}no longer in what it reads` : ''
    return `${amount(blocks, unit)} of ${table} (${reasons.join(', ')}${gone})`
  })
  const [first, ...more] = tables.filter(({ blocks, lost }) => lost < blocks)
  const hint = more.length > 0 ? 'backfill redo --stale' : first?.hint
  return [`Stale: ${parts.join(', ')}.${hint === undefined ? '' : ` \`${hint}\` builds them again.`}`]
}

function timesText({ from, to }: { readonly from: string; readonly to: string }): string {
  return minute(from) === minute(to) ? `${minute(to)} UTC` : `${minute(from)} to ${minute(to)} UTC`
}

const REASON_WORDS: Readonly<Record<StaleReason, (hash: string, current: string) => string>> = {
  sql: (hash, current) => `sql: built by SQL ${hash}, the file is ${current} now`,
  forks: () => 'forks: a fork that it uses has another block now',
  limits: () => 'limits: outside of the blocks that the table holds now',
  inputs: () => 'inputs: a table that it reads has changed since',
  sources: () => 'sources: source rows have changed since',
  mixed: () => 'mixed: rows of an earlier attempt, which may differ, could not be deleted',
}
