// Owns recovery: blocks that a dead run or a failed attempt left partly written are made safe to run again.
import { BackfillError } from '../model/errors.ts'
import { type Attempt, type LedgerEvent, NO_TRY } from '../ledger/events.ts'
import type { TableDefinition } from '../model/model.ts'
import type { Lock } from '../lock/lock.ts'

import type { RetryPolicy } from '../clickhouse/retry.ts'
import type { Ports } from './workspace.ts'
import type { TargetTable } from '../targets/target-port.ts'
import { blockSet, type BlockSet, intersect, subtract } from '../model/blocks.ts'
import { formatBlockSet } from '../model/blocks.ts'
import { type Remedy, remedyFor } from './remedy.ts'
import { type Change, changesSince } from './attempt-change.ts'

export type RecoveryJob = {
  readonly table: TableDefinition
  readonly target: TargetTable
  readonly lock: Lock
  readonly runId: string
  /** Table key -> target UUID of the tables in `after`. */
  readonly inputs: ReadonlyMap<string, string>
  /** Blocks whose latest event is neither `done` nor `cleaned`. */
  readonly dirty: BlockSet
  readonly retryPolicy: RetryPolicy
}

export type Recovered = {
  /** Blocks with rows of an earlier attempt that cannot be deleted and may differ from the new rows. */
  readonly stale: BlockSet
  /** Sentences for people about the recovery. */
  readonly text: string
}

/**
 * Kills running statements of the attempts at the dirty blocks, then deletes their rows if the rule of remedy.ts
 * requires it. The caller holds the table's lock, so none of these statements can start any more.
 *
 * @throws BackfillError `failed` if only a rebuild, a grant or the lost source rows help; then nothing is deleted
 */
export async function recover(ports: Ports, job: RecoveryJob): Promise<Recovered> {
  const { table, target, lock, dirty } = job
  const attempts = await ports.ledger.attempts(table.key, target.uuid, dirty)
  await endAttempts(
    ports,
    table,
    attempts.filter(({ finished }) => !finished),
  )
  await ports.executor.endDeletions(table, lock)

  const changes = await changesSince(ports, job, attempts)
  const replacing = target.engine.includes('Replacing')
  const remedies = attempts.map(({ suspect }, index) =>
    remedyFor({ replacing, rows: table.rows, unchanged: changes[index] === undefined, suspect }),
  )
  const blocksOf = (wanted: Remedy): BlockSet =>
    blockSet(attempts.flatMap(({ blocks }, index) => (remedies[index] === wanted ? blocks : [])))

  if (remedies.includes('stop'))
    throw new BackfillError(
      `${table.key} has half-written blocks ${formatBlockSet(blocksOf('stop'))}, and its engine ${target.engine} does not replace rows`,
      { kind: 'failed', hint: 'Drop the table and run backfill up: it is built again from the start' },
    )
  const deleted = blocksOf('clean')
  const asked = intersect(
    deleted,
    blockSet(attempts.flatMap(({ suspect, blocks }) => (suspect ? blocks : []))),
  )
  if (deleted.length > 0) {
    if (changes.includes('pruned'))
      throw new BackfillError(
        `the sources no longer hold all of blocks ${formatBlockSet(deleted)} of ${table.key}: deleting would lose rows`,
        {
          kind: 'failed',
          hint: 'Bring the source rows back, or take the half-written blocks as they are: nothing was deleted',
        },
      )
    await ports.executor.clean({ table, ranges: deleted, lock, asked: asked.length > 0 })
    for (const range of deleted) await ports.ledger.append(lock, cleanedEvent(job, range), job.retryPolicy)
  }
  const stale = blocksOf('rerun-stale')
  const again = subtract(dirty, blockSet([...deleted, ...stale]))
  const found = subtract(deleted, asked)
  // A requested deletion needs no reason.
  const why = changes.find((change, index) => change !== undefined && !attempts[index]!.suspect)
  const parts = [
    ...(again.length > 0 ? [`runs the half-written blocks again: ${formatBlockSet(again)}`] : []),
    ...(asked.length > 0 ? [`has deleted blocks ${formatBlockSet(asked)}, to build them again`] : []),
    ...(found.length > 0 ? [`has deleted the half-written blocks ${formatBlockSet(found)}`] : []),
    ...(stale.length > 0
      ? [`runs blocks ${formatBlockSet(stale)} again, although their old rows cannot be deleted`]
      : []),
  ]
  return { stale, text: parts.join('; ') + (why === undefined ? '' : ` (${CHANGE_WORDS[why]} since)`) }
}

const CHANGE_WORDS: Readonly<Record<Change, string>> = {
  sql: 'the SQL has changed',
  source: 'source rows have changed',
  pruned: 'source rows were pruned',
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
