// Owns whether a table, once it is locked, is still the one that was looked at before: a rebuild may have ended since.
import { failedError } from '../model/errors.ts'
import type { TableDefinition } from '../model/model.ts'
import type { TargetTable } from '../targets/target.ts'

/** `present`: read under the lock, by table name. @throws BackfillError `failed` if another table has taken its place */
export function assertSameTable(
  { key, target }: Pick<TableDefinition, 'key' | 'target'>,
  uuid: string | undefined,
  present: ReadonlyMap<string, Pick<TargetTable, 'uuid'>>,
): void {
  if (present.get(target)?.uuid === uuid) return
  throw failedError(
    `${target} was replaced before ${key} was locked: nothing of it was written`,
    'Run the command again',
  )
}
