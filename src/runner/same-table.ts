// Owns whether a table, once it is locked, is still the one that was looked at before: a rebuild may have ended since.
import { type BackfillError, failedError } from '../model/errors.ts'
import type { TableDefinition } from '../model/model.ts'

type Named = Pick<TableDefinition, 'key' | 'target'>

/** `present`: read under the lock, by table name. @throws BackfillError `failed` if it is gone, or another has taken its place */
export function assertSameTable(
  table: Named,
  uuid: string | undefined,
  present: ReadonlyMap<string, { readonly uuid: string }>,
): void {
  const now = present.get(table.target)
  if (now === undefined) throw changedBeforeLock(table, 'dropped')
  if (now.uuid !== uuid) throw changedBeforeLock(table, 'replaced')
}

export function changedBeforeLock({ key, target }: Named, what: 'dropped' | 'replaced'): BackfillError {
  const sentence = `${target} was ${what} before ${key} was locked: nothing of it was written`
  return failedError(sentence, 'Run the command again')
}
