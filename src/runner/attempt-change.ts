// Owns what has changed since a try at a range: its SQL, its source rows, or that these have gone.
import pLimit from 'p-limit'
import { readFingerprint, sourceRowsPruned, writeFingerprint } from '../sources/fingerprint.ts'
import type { TableDefinition } from '../model/model.ts'
import type { Attempt } from '../ledger/events.ts'
import type { Ports } from './workspace.ts'

/** `pruned`: rows that the try has read have gone from a source. */
export type Change = 'sql' | 'source' | 'pruned'

export type ChangeQuestion = {
  readonly table: TableDefinition
  /** Table key -> target UUID of the tables in `after`. */
  readonly inputs: ReadonlyMap<string, string>
}

/** Each question reads two columns of the sources: a long range has many tries. */
const AT_ONCE = 8

/** What has changed since each try; undefined where it would read and do the same now. */
export async function changesSince(
  ports: Ports,
  question: ChangeQuestion,
  attempts: readonly Attempt[],
): Promise<readonly (Change | undefined)[]> {
  const slots = pLimit(AT_ONCE)
  return await Promise.all(attempts.map((attempt) => slots(() => changeSince(ports, question, attempt))))
}

async function changeSince(
  ports: Ports,
  { table, inputs }: ChangeQuestion,
  attempt: Attempt,
): Promise<Change | undefined> {
  const [sources, latest] = await Promise.all([
    ports.source.fingerprint(table.sources, attempt.range),
    ports.ledger.inputVersions(inputs, attempt.range),
  ])
  const before = readFingerprint(attempt.sourceFingerprint)
  if (sourceRowsPruned(before.sources, sources, ports.source)) return 'pruned'
  if (attempt.sqlHash !== table.sqlHash) return 'sql'
  return writeFingerprint({ sources, inputs: latest }) === attempt.sourceFingerprint ? undefined : 'source'
}
