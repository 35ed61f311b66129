// Owns what has changed since a try at a range: its SQL, its source rows, or that these have gone.
import pLimit from 'p-limit'
import { fingerprintOf } from '../sources/fingerprint.ts'
import type { TableDefinition } from '../model/model.ts'
import type { Attempt } from '../ledger/ledger.ts'
import type { Ports } from './workspace.ts'

/** `pruned`: a source has fewer blocks than the try has read. */
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
  const now = await fingerprintOf(ports, table, inputs, attempt.range)
  if (holdsFewer(now, attempt.sourceFingerprint)) return 'pruned'
  if (attempt.sqlHash !== table.sqlHash) return 'sql'
  return now === attempt.sourceFingerprint ? undefined : 'source'
}

/** Whether a source has fewer distinct blocks now than the fingerprint says that it had. */
function holdsFewer(now: string, before: string): boolean {
  const had = blocksBySource(before)
  return [...blocksBySource(now)].some(([source, blocks]) => blocks < (had.get(source) ?? 0))
}

function blocksBySource(fingerprint: string): ReadonlyMap<string, number> {
  const parts = [...fingerprint.matchAll(/(\S+)=(\d+)@\d+/g)]
  return new Map(parts.map(([, source, blocks]) => [source!, Number(blocks)]))
}
