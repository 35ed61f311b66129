// Owns recovery: what a run that died, or a try that failed, left half written is made safe to run again.
import { BackfillError } from './errors.ts'
import { fingerprintOf } from './fingerprint.ts'
import { type LedgerEvent, NO_TRY } from './ledger-model.ts'
import type { TableDefinition } from './model.ts'
import type { Attempt, Lock, Patience, Ports, TargetTable } from './ports.ts'
import { blockSet, type BlockSet, subtract } from './pure/interval.ts'
import { type Remedy, remedyFor } from './pure/recovery.ts'

export type RecoveryJob = {
  readonly table: TableDefinition
  readonly target: TargetTable
  readonly lock: Lock
  readonly runId: string
  /** Table key -> target UUID of the tables in `after`. */
  readonly inputs: ReadonlyMap<string, string>
  /** Blocks whose latest event is neither `done` nor `cleaned`. */
  readonly dirty: BlockSet
  readonly patience: Patience
}

export type Recovered = {
  /** Blocks that hold rows of an earlier try which cannot be taken back and may differ from those that come now. */
  readonly stale: BlockSet
  /** In words, for people: what was found and done. */
  readonly text: string
}

/**
 * Ends what still runs of the tries at the dirty blocks, then deletes what they wrote, where the rule of
 * pure/recovery.ts says so. The caller holds the table's lock, so nothing of them can start any more.
 *
 * @throws BackfillError `failed` where only a rebuild, a grant or the lost source rows help; nothing is deleted then
 */
export async function recover(ports: Ports, job: RecoveryJob): Promise<Recovered> {
  const { table, target, lock, dirty } = job
  const attempts = await ports.ledger.attempts(table.key, target.uuid, dirty)
  await endAttempts(ports, table, attempts)
  await ports.executor.endDeletions(table, lock)

  const changes = await Promise.all(attempts.map((attempt) => changeSince(ports, job, attempt)))
  const replacing = target.engine.includes('Replacing')
  const remedies = changes.map((change) =>
    remedyFor({ replacing, rows: table.rows, unchanged: change === undefined }),
  )
  const blocksOf = (wanted: Remedy): BlockSet =>
    blockSet(attempts.flatMap(({ blocks }, index) => (remedies[index] === wanted ? blocks : [])))

  if (remedies.includes('stop'))
    throw new BackfillError(
      `${table.key} has half-written blocks ${text(blocksOf('stop'))}, and its engine ${target.engine} cannot take rows back`,
      { kind: 'failed', hint: 'Drop the table and run backfill up: it is built again from the start' },
    )
  const deleted = blocksOf('clean')
  if (deleted.length > 0) {
    if (changes.includes('pruned'))
      throw new BackfillError(
        `the sources no longer hold all of blocks ${text(deleted)} of ${table.key}: deleting would lose rows`,
        {
          kind: 'failed',
          hint: 'Bring the source rows back, or take the half-written blocks as they are: nothing was deleted',
        },
      )
    await ports.executor.clean(table, deleted, lock)
    for (const range of deleted) await ports.ledger.append(lock, cleanedEvent(job, range), job.patience)
  }
  const stale = blocksOf('rerun-stale')
  const again = subtract(dirty, blockSet([...deleted, ...stale]))
  const why = changes.find((change) => change !== undefined)
  const parts = [
    ...(again.length > 0 ? [`runs the half-written blocks again: ${text(again)}`] : []),
    ...(deleted.length > 0 ? [`has deleted the half-written blocks ${text(deleted)}`] : []),
    ...(stale.length > 0
      ? [`runs again, but cannot take back rows of, the half-written blocks ${text(stale)}`]
      : []),
  ]
  return { stale, text: parts.join('; ') + (why === undefined ? '' : ` (${CHANGE_WORDS[why]} since)`) }
}

type Change = 'sql' | 'source' | 'pruned'

const CHANGE_WORDS: Readonly<Record<Change, string>> = {
  sql: 'the SQL has changed',
  source: 'source rows have changed',
  pruned: 'source rows have gone',
}

async function endAttempts(
  { queries }: Ports,
  table: TableDefinition,
  attempts: readonly Attempt[],
): Promise<void> {
  const users = [...new Set(attempts.map(({ user }) => user))]
  for (const user of users)
    if (!(await queries.canEnd(user)))
      throw new BackfillError(
        `${table.key}: an earlier run as user '${user}' may still be writing, and you may not look`,
        {
          kind: 'failed',
          hint: 'GRANT SELECT ON system.processes, KILL QUERY ON *.* TO your user, or run backfill up as that user',
        },
      )
  await queries.end(attempts.map(({ queryId }) => queryId))
}

async function changeSince(
  ports: Ports,
  { table, inputs }: RecoveryJob,
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

/** The first ranges of a set, for people. */
function text(blocks: BlockSet): string {
  const ranges = blocks.slice(0, 3).map(({ from, to }) => `${from}-${to}`)
  return blocks.length > 3
    ? `${ranges.join(', ')} and ${blocks.length - 3} more up to ${blocks.at(-1)!.to}`
    : ranges.join(', ')
}

function cleanedEvent({ target, runId, table }: RecoveryJob, range: LedgerEvent['range']): LedgerEvent {
  return {
    ...NO_TRY,
    event: 'cleaned',
    range,
    targetUuid: target.uuid,
    runId,
    sqlHash: table.sqlHash,
  }
}
