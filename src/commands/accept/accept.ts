// Owns the acceptance of source gaps and incomplete blocks: it plans the blocks to accept and records the events.
import { BackfillError, usageError } from '../../model/errors.ts'
import type { Range } from '../../model/blocks.ts'
import type { TableDefinition } from '../../model/model.ts'
import type { Lock } from '../../lock/lock.ts'
import type { Ports } from '../../runner/workspace.ts'
import { evaluate, type Reason, type AcceptDecision } from './decision.ts'
import { type BlockSet, intersect, union } from '../../model/blocks.ts'
import { formatBlockSet } from '../../model/blocks.ts'
import { blocksIn, readTableStatuses, type TableStatus } from '../../planning/table-status.ts'
import { probeMissing } from '../../planning/probe.ts'
import { makeProbe } from '../../planning/probe.ts'
import type { Workspace } from '../../runner/workspace.ts'
import { randomId } from '../../seam/random.ts'

export type AcceptOptions = {
  readonly range: Range
  /** Blocks that the head stays behind the newest block: above the head nothing is a source gap yet. */
  readonly lag: number
  /**
   * The user named the tables: each must have such blocks in the range, and no others. Otherwise tables without such
   * blocks and tables that do not exist yet are skipped.
   */
  readonly named: boolean
}

/** Blocks of one table that can be accepted, and blocks that were accepted before. */
export type Acceptance = Pick<AcceptDecision, 'sourceGaps' | 'incomplete' | 'already'> & {
  readonly table: TableDefinition
  readonly targetUuid: string
}

/**
 * The blocks of the range that can be accepted, for each chosen table that has such blocks. Reads only.
 * @throws BackfillError `usage` for blocks that are neither a source gap nor incomplete, with the reason; if there is
 *   nothing to accept; if a table does not exist yet
 */
export async function planAcceptance(
  workspace: Workspace,
  options: AcceptOptions,
): Promise<readonly Acceptance[]> {
  const tableStatuses = await readTableStatuses(workspace, { lag: options.lag, forcedHead: undefined })
  const probeBlocks = makeProbe(workspace)
  const evaluated = await Promise.all(
    workspace.chosen.map(async ({ key }) => {
      const tableStatus = tableStatuses.get(key)!
      const looked = await probeMissing(
        probeBlocks,
        tableStatus.table,
        intersect(tableStatus.missing, [options.range]),
      )
      return { tableStatus, decision: decisionOf(tableStatus, looked, options.range) }
    }),
  )
  for (const { tableStatus, decision } of evaluated)
    if (options.named || isNew(decision)) assertAcceptable(tableStatus, decision)
  const ledger = await workspace.ports.target.ledgerState()
  const plan = evaluated.flatMap(({ tableStatus, decision }): readonly Acceptance[] => {
    const { table, target } = tableStatus
    if (!isNew(decision) && decision.already.length === 0) return []
    if (target === undefined && !options.named) return []
    if (target === undefined || ledger !== 'ready') throw notCreated(workspace, table)
    return [{ table, targetUuid: target.uuid, ...decision }]
  })
  if (plan.length > 0) return plan
  throw usageError(
    `no table has a source gap or incomplete blocks in ${formatBlockSet([options.range])}`,
    '`backfill status` shows source gaps, incomplete and accepted blocks',
  )
}

/** Whether the table has blocks that are not accepted yet. */
export function isNew({
  sourceGaps,
  incomplete,
}: Pick<AcceptDecision, 'sourceGaps' | 'incomplete'>): boolean {
  return sourceGaps.length + incomplete.length > 0
}

/**
 * Records the acceptance under the locks of its tables. It plans again first and accepts nothing if the plan changed.
 * @throws BackfillError `locked` if a run works on a table; `usage`, `failed` if the plan changed
 */
export async function accept(
  workspace: Workspace,
  { options, plan }: { readonly options: AcceptOptions; readonly plan: readonly Acceptance[] },
  note: (text: string) => void,
): Promise<void> {
  const runId = randomId()
  const todo = plan.filter(isNew)
  const tables = todo.map(({ table }) => table)
  await withLocks(workspace.ports, tables, note, async (locks) => {
    const now = await planAcceptance({ ...workspace, chosen: tables }, { ...options, named: true })
    if (JSON.stringify(now) !== JSON.stringify(todo))
      throw new BackfillError('the blocks changed since they were shown: nothing was accepted', {
        kind: 'failed',
        hint: 'Run the command again and check what it would accept now',
      })
    for (const { table, targetUuid, sourceGaps, incomplete } of todo) {
      const lock = locks.get(table.key)!
      const blocks = union(sourceGaps, incomplete)
      await appendAll(workspace.ports, lock, {
        event: 'accepted',
        blocks,
        targetUuid,
        runId,
        sqlHash: table.sqlHash,
      })
    }
  })
}

/** Takes the locks of the tables and releases them however `use` ends. */
export async function withLocks(
  { locks }: Ports,
  tables: readonly TableDefinition[],
  note: (text: string) => void,
  use: (locks: ReadonlyMap<string, Lock>) => Promise<void>,
): Promise<void> {
  const taken = new Map<string, Lock>()
  try {
    for (const { key } of tables) taken.set(key, await locks.acquire(key, note))
    await use(taken)
  } finally {
    await Promise.all([...taken.values()].map((lock) => lock.release()))
  }
}

/** Appends the declared events, then a checkpoint, so that the next command need not fold them. */
export async function appendAll(
  { ledger }: Ports,
  lock: Lock,
  declared: Parameters<Ports['ledger']['appendEach']>[1],
): Promise<void> {
  await ledger.appendEach(lock, declared)
  await ledger.checkpoint([{ lock, targetUuid: declared.targetUuid }], declared.runId)
}

function decisionOf(
  { bounds, view, dirty }: TableStatus,
  { sourceGaps, incomplete }: { readonly sourceGaps: BlockSet; readonly incomplete: BlockSet },
  range: Range,
): AcceptDecision {
  const [done, accepted] = [blocksIn(view, 'done'), blocksIn(view, 'accepted')]
  return evaluate({
    range,
    limits: bounds.limits,
    expected: bounds.expected,
    done,
    accepted,
    dirty,
    sourceGaps,
    incomplete,
  })
}

function assertAcceptable({ table, bounds }: TableStatus, { refused }: AcceptDecision): void {
  if (refused.length === 0) return
  const why: Readonly<Record<Reason, string>> = {
    below:
      bounds.expected === undefined ? (bounds.note ?? '') : `below its first block ${bounds.expected.from}`,
    above: `above its head ${bounds.expected?.to}`,
    done: 'done',
    dirty: 'may be half written: `backfill up` recovers them',
    ready:
      table.sources.length === 0
        ? `as in ${table.after.join(', ')}: accept them there, and \`backfill up\` runs them here`
        : 'ready: `backfill up` runs them',
  }
  const parts = refused.map(({ reason, blocks }) => `${formatBlockSet(blocks)} (${why[reason]})`)
  throw usageError(
    `blocks that are neither a source gap nor incomplete in ${table.key}: ${parts.join(', ')}`,
    `\`backfill status --tables ${table.key}\` shows its source gaps and incomplete blocks`,
  )
}

function notCreated({ ports }: Workspace, { key, target }: TableDefinition): BackfillError {
  return usageError(
    `${ports.target.database}.${target} or its ledger does not exist yet`,
    `\`backfill create-tables --tables ${key}\``,
  )
}
