// Owns finding changes since an attempt at a range: changed SQL, changed source rows, pruned source rows.
import pLimit from 'p-limit'
import { readFingerprint, sourceRowsPruned, writeFingerprint } from '../sources/fingerprint.ts'
import type { TableDefinition } from '../model/model.ts'
import type { Attempt } from '../ledger/events.ts'
import type { Ports } from './workspace.ts'

/** `pruned`: a source no longer holds rows that the attempt read. */
export type Change = 'sql' | 'source' | 'pruned'

export type ChangeQuestion = {
  readonly table: TableDefinition
  /** Table key -> target UUID of the tables in `after`. */
  readonly inputs: ReadonlyMap<string, string>
}

/** Limits parallel queries: each reads two columns of the sources, and a long range has many attempts. */
const AT_ONCE = 8

/** The change since each attempt; undefined if a new attempt would read and write the same. */
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
