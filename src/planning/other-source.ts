// Owns the wall between source databases: rows of two must not stand in one table unnoticed.
import { readSourceDatabase } from '../ledger/built-from.ts'
import { namedBlocks } from '../model/blocks.ts'
import { type BackfillError, usageError } from '../model/errors.ts'
import type { ReadWorkspace } from './run-options.ts'
import type { OnMisfit } from '../targets/check-columns.ts'
import type { TableStatus } from './table-status.ts'

/** Why `up` does not write to a table: its newest blocks came from another source database than the present. */
export function otherSourceError(
  { table, view }: Pick<TableStatus, 'table' | 'view'>,
  database: string,
): BackfillError | undefined {
  const newest = view?.islands.findLast(({ state }) => state === 'done')
  const before = readSourceDatabase(newest?.forks ?? '')
  if (newest === undefined || before === undefined || before === database) return undefined
  return usageError(
    `${namedBlocks([newest])} of ${table.key} were computed from the source database '${before}', and SOURCE_CLICKHOUSE_DATABASE is '${database}'`,
    `Set SOURCE_CLICKHOUSE_DATABASE=${before}. If '${database}' has the same rows (it was renamed, or copied), run backfill up --new-source once; if it has others, backfill rebuild ${table.key} builds the table from these`,
  )
}

/** Of the chosen tables. */
export function checkSourceDatabase(
  { chosen, ports }: ReadWorkspace,
  tableStatuses: ReadonlyMap<string, TableStatus>,
  onMisfit: OnMisfit,
): void {
  for (const { key } of chosen) {
    const error = otherSourceError(tableStatuses.get(key)!, ports.source.database)
    if (error !== undefined) onMisfit(key, error)
  }
}
