// Owns the acceptance of source gaps and incomplete blocks: it plans the blocks to accept and records the events.
import { failedError, usageError } from '../../model/errors.ts'
import { formatBlockSet, intersect, type Range, union, type BlockSet, subtract } from '../../model/blocks.ts'
import type { PerUnit, TableDefinition } from '../../model/model.ts'
import type { Lock } from '../../lock/lock.ts'
import type { Ports, Workspace } from '../../runner/workspace.ts'
import { blocksIn, readTableStatuses, type TableStatus } from '../../planning/table-status.ts'
import { makeProbe } from '../../planning/probe.ts'
import { probeMissing } from '../../planning/probe-missing.ts'
import { randomId } from '../../seam/random.ts'

export type AcceptOptions = {
  readonly range: Range
  /** Blocks that the head stays behind the newest block: above the head nothing is a source gap yet. */
  readonly lag: PerUnit
  /** The user named the tables: each must have such blocks in the range, and no others. */
  readonly named: boolean
}

/** Blocks of one table that can be accepted, and blocks that were accepted before. */
export type Acceptance = Pick<AcceptDecision, 'sourceGaps' | 'incomplete' | 'already'> & {
  readonly table: TableDefinition
  readonly targetUuid: string
}

/** The blocks of the range that can be accepted. Reads only. @throws BackfillError `usage` for other blocks, or none */
export async function planAcceptance(
  workspace: Workspace,
  { range, lag, named }: AcceptOptions,
): Promise<readonly Acceptance[]> {
  const tableStatuses = await readTableStatuses(workspace, { lag })
  const probeBlocks = makeProbe(workspace)
  const evaluated = await Promise.all(
    workspace.chosen.map(async ({ key }) => {
      const tableStatus = tableStatuses.get(key)!
      const { table, bounds, view, dirty, missing } = tableStatus
      const looked = await probeMissing(probeBlocks, table, intersect(missing, [range]))
      const [done, accepted] = [blocksIn(view, 'done'), blocksIn(view, 'accepted')]
      return { tableStatus, decision: evaluate({ ...bounds, ...looked, range, done, accepted, dirty }) }
    }),
  )
  for (const { tableStatus, decision } of evaluated)
    if (named || isNew(decision)) assertAcceptable(tableStatus, decision)
  const ledger = await workspace.ports.target.ledgerState()
  const plan = evaluated.flatMap(({ tableStatus, decision }): readonly Acceptance[] => {
    const { table, target } = tableStatus
    if (!isNew(decision) && decision.already.length === 0) return []
    if (target === undefined && !named) return []
    if (target === undefined || ledger !== 'ready')
      throw usageError(
        `${workspace.ports.target.database}.${table.target} or its ledger does not exist yet`,
        `\`backfill create-tables --tables ${table.key}\``,
      )
    return [{ table, targetUuid: target.uuid, ...decision }]
  })
  if (plan.length > 0) return plan
  throw usageError(
    `no table has a source gap or incomplete blocks in ${formatBlockSet([range])}`,
    '`backfill status` shows source gaps, incomplete and accepted blocks',
  )
}

export function isNew(decision: Pick<AcceptDecision, 'sourceGaps' | 'incomplete'>): boolean {
  return decision.sourceGaps.length + decision.incomplete.length > 0
}

/** Records the acceptance, unless the plan has changed meanwhile. @throws BackfillError `locked`, `usage`, `failed` */
export async function accept(
  workspace: Workspace,
  { options, plan }: { readonly options: AcceptOptions; readonly plan: readonly Acceptance[] },
  note: (text: string) => void,
): Promise<void> {
  const todo = plan.filter(isNew)
  const chosen = todo.map(({ table }) => table)
  await record(workspace, note, {
    word: 'accept',
    plan: todo,
    again: () => planAcceptance({ ...workspace, chosen }, { ...options, named: true }),
    events: ({ sourceGaps, incomplete }) => [{ event: 'accepted', blocks: union(sourceGaps, incomplete) }],
  })
}

type Declared = Parameters<Ports['ledger']['appendEach']>[1]

type Recording<Part> = {
  readonly word: 'accept' | 'revoke'
  readonly plan: readonly Part[]
  readonly again: () => Promise<readonly Part[]>
  readonly events: (part: Part) => readonly Pick<Declared, 'event' | 'blocks' | 'error'>[]
}

/**
 * Records a plan under the locks of its tables, if planning again gives the same. Dependants first: if this process is killed in
 * between, no block is done from blocks that are missing. A checkpoint saves the next command from folding the events.
 */
export async function record<Part extends { readonly table: TableDefinition; readonly targetUuid: string }>(
  { ports: { ledger, locks } }: Workspace,
  note: (text: string) => void,
  { word, plan, again, events }: Recording<Part>,
): Promise<void> {
  const runId = randomId()
  const taken = new Map<string, Lock>()
  try {
    for (const { table } of plan) taken.set(table.key, await locks.acquire(table.key, note))
    if (JSON.stringify(await again()) !== JSON.stringify(plan))
      throw failedError(
        `the blocks changed since they were shown: nothing was ${word === 'accept' ? 'accepted' : 'revoked'}`,
        `Run the command again and check what it would ${word} now`,
      )
    for (const part of plan.toReversed()) {
      const { table, targetUuid } = part
      const lock = taken.get(table.key)!
      for (const event of events(part))
        await ledger.appendEach(lock, { ...event, targetUuid, runId, sqlHash: table.sqlHash })
      await ledger.checkpoint([{ lock, targetUuid }], runId)
    }
  } finally {
    await Promise.all([...taken.values()].map((lock) => lock.release()))
  }
}

function assertAcceptable({ table, bounds }: TableStatus, { refused }: AcceptDecision): void {
  if (refused.length === 0) return
  const why = {
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

type AcceptanceInput = Pick<TableStatus['bounds'], 'limits' | 'expected'> & {
  readonly range: Range
} & Readonly<Record<'done' | 'accepted' | 'dirty' | 'sourceGaps' | 'incomplete', BlockSet>>

type AcceptDecision = ReturnType<typeof evaluate>

/** Every block of the range within the limits is in exactly one set of the decision; `already`: accepted before. */
export function evaluate({ range, limits, expected, ...sets }: AcceptanceInput) {
  let left = intersect([range], within(limits.from ?? 0, limits.to))
  const take = (blocks: BlockSet): BlockSet => {
    const taken = intersect(left, blocks)
    left = subtract(left, taken)
    return taken
  }
  // The ledger comes first: a done block stays done even if the first block has moved up since.
  const already = take(sets.accepted)
  const done = take(sets.done)
  const dirty = take(sets.dirty)
  const above = take(expected === undefined ? [] : within(expected.to + 1))
  const below = take(expected === undefined ? left : within(0, expected.from - 1))
  const sourceGaps = take(sets.sourceGaps)
  const incomplete = take(sets.incomplete)
  const refused = [
    { reason: 'below', blocks: below },
    { reason: 'above', blocks: above },
    { reason: 'done', blocks: done },
    // May be half written: an acceptance would hide them from recovery.
    { reason: 'dirty', blocks: dirty },
    // A run can process them.
    { reason: 'ready', blocks: left },
  ] as const
  return { sourceGaps, incomplete, already, refused: refused.filter(({ blocks }) => blocks.length > 0) }
}

function within(from: number, to = Number.MAX_SAFE_INTEGER): BlockSet {
  return from <= to ? [{ from, to }] : []
}
