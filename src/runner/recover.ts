// Owns recovery: what a run that died, or a try that failed, left half written is made safe to run again.
import { BackfillError } from './errors.ts'
import { fingerprintOf } from './fingerprint.ts'
import type { TableDefinition } from './model.ts'
import type { Attempt, Lock, Ports, TargetTable } from './ports.ts'
import { type BlockSet, hull } from './pure/interval.ts'
import { type Remedy, remedyFor } from './pure/recovery.ts'
import type { LedgerEvent } from './ledger-model.ts'

export type RecoveryJob = {
  readonly table: TableDefinition
  readonly target: TargetTable
  readonly lock: Lock
  readonly runId: string
  /** Table key -> target UUID of the tables in `after`. */
  readonly inputs: ReadonlyMap<string, string>
  /** Blocks whose latest event is neither `done` nor `cleaned`. */
  readonly dirty: BlockSet
}

export type Recovered = {
  readonly remedy: Exclude<Remedy, 'stop'>
  /** In words, for people: what was found and done. */
  readonly text: string
}

/**
 * Ends what still runs of the attempts at the dirty blocks, then deletes what they wrote, where the rule of
 * pure/recovery.ts says so. The caller holds the table's lock, so nothing of them can start any more.
 *
 * @throws BackfillError `failed` where only a rebuild or a grant helps; nothing is deleted then
 */
export async function recover(ports: Ports, job: RecoveryJob): Promise<Recovered> {
  const { table, target, lock, dirty } = job
  const attempts = await ports.ledger.attempts(table.key, target.uuid, dirty)
  await endAttempts(ports, table, attempts)

  const changes = await Promise.all(attempts.map((attempt) => changeSince(ports, job, attempt)))
  const changed = changes.find((change) => change !== undefined)
  const remedy = remedyFor({
    replacing: target.engine.includes('Replacing'),
    rows: table.rows,
    // Without an attempt to compare with (invalidated by hand) nothing is known of the rows that are there.
    unchanged: attempts.length > 0 && changed === undefined,
  })
  if (remedy === 'stop')
    throw new BackfillError(
      `${table.key} has half-written blocks ${text(dirty)}, and its engine ${target.engine} cannot take rows back`,
      { kind: 'failed', hint: `Drop the table and run backfill up: it is built again from the start` },
    )
  if (remedy === 'clean') {
    if (changed === 'pruned')
      throw new BackfillError(
        `the sources no longer hold all of blocks ${text(dirty)} of ${table.key}: deleting would lose rows`,
        {
          kind: 'failed',
          hint: 'Bring the source rows back, or take the half-written blocks as they are: nothing was deleted',
        },
      )
    await ports.executor.clean(table, dirty, lock)
    for (const range of dirty)
      await ports.ledger.append(lock, {
        ...CLEANED,
        range,
        targetUuid: target.uuid,
        runId: job.runId,
        sqlHash: table.sqlHash,
      })
  }
  return {
    remedy,
    text: `${REMEDY_WORDS[remedy]} ${text(dirty)}${changed === undefined ? '' : ` (${CHANGE_WORDS[changed]} since)`}`,
  }
}

type Change = 'sql' | 'source' | 'pruned'

const CHANGE_WORDS: Readonly<Record<Change, string>> = {
  sql: 'the SQL has changed',
  source: 'source rows have changed',
  pruned: 'source rows have gone',
}

const REMEDY_WORDS: Readonly<Record<Recovered['remedy'], string>> = {
  rerun: 'runs the half-written blocks again:',
  clean: 'has deleted the half-written blocks',
  'rerun-stale': 'runs again, but cannot take back rows of, the half-written blocks',
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
          hint: 'GRANT SHOW PROCESSLIST, KILL QUERY ON *.* TO this user, or run backfill up as that user',
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

function text(dirty: BlockSet): string {
  const around = hull(dirty)
  const ranges = dirty.slice(0, 3).map(({ from, to }) => `${from}-${to}`)
  return dirty.length > 3 && around
    ? `${ranges.join(', ')} and ${dirty.length - 3} more up to ${around.to}`
    : ranges.join(', ')
}

const CLEANED: Omit<LedgerEvent, 'range' | 'targetUuid' | 'runId' | 'sqlHash'> = {
  event: 'cleaned',
  sourceFingerprint: '',
  attempt: 0,
  queryId: '',
  rowsRead: 0,
  rowsWritten: 0,
  bytesRead: 0,
  peakMemory: 0,
  elapsedMs: 0,
  errorCode: 0,
  error: '',
  forced: false,
}
