// Owns what a table's past says of its blocks: which event is seen over each, and which built it.
import { usageError } from '../model/errors.ts'
import type { Range } from '../model/model.ts'
import type { TargetTable } from '../runner/executor-port.ts'
import { type BlockSet, blockSet, intersect } from '../model/blocks.ts'
import { markOf } from './stale.ts'
import { type Visible, visible } from './latest-events.ts'
import { uuidsOf, withDependencies } from '../planning/table-status.ts'
import type { PastEvent, PastPort } from '../commands/verify/verify-port.ts'
import type { World } from '../runner/world.ts'

/** By block, within the window that was asked for. */
export type Coverage = {
  /** The latest event over each stretch. */
  readonly seen: readonly Visible<PastEvent>[]
  /** Those of them that are `done`. */
  readonly done: readonly Visible<PastEvent>[]
  /** The same stretches with the events that built them: a mark is not one. */
  readonly built: readonly Visible<PastEvent>[]
  /** The latest event over each stretch that may have changed rows: a mark changes none. */
  readonly touched: readonly Visible<PastEvent>[]
  readonly dirty: BlockSet
}

/** What is known of the chosen tables and of those that they read, before one of them is looked at. */
export type Known = {
  readonly targets: ReadonlyMap<string, TargetTable>
  /** Table key -> UUID; empty where there is no ledger: then nothing is done. */
  readonly uuids: ReadonlyMap<string, string>
}

/** @throws BackfillError `server`; `usage` where the ledger is of an older version */
export async function readKnown(world: World): Promise<Known> {
  const tables = withDependencies(world)
  const { target } = world.ports
  const [targets, ledger] = await Promise.all([
    target.tables(tables.map((table) => table.target)),
    target.ledgerState(),
  ])
  if (ledger === 'old')
    throw usageError('the ledger was made by an older version of backfill', 'backfill up adds what it lacks')
  return { targets, uuids: ledger === 'absent' ? new Map() : uuidsOf(tables, targets) }
}

export const EVERYTHING: Range = { from: 0, to: Number.MAX_SAFE_INTEGER }

export type CoverageQuestion = {
  readonly key: string
  /** Undefined where there is no ledger: then nothing is done. */
  readonly uuid: string | undefined
  readonly window?: Range
}

/** @throws BackfillError `server` */
export async function readCoverage(past: PastPort, question: CoverageQuestion): Promise<Coverage> {
  const { key, uuid, window = EVERYTHING } = question
  const events =
    uuid === undefined ? [] : await past.events({ key, targetUuid: uuid, window, fingerprints: false })
  const seen = visibleIn(events, window)
  const touched = visibleIn(
    events.filter((event) => !isMark(event)),
    window,
  )
  const ofState = (...names: PastEvent['event'][]) => seen.filter(({ event }) => names.includes(event.event))
  return {
    seen,
    done: ofState('done'),
    built: touched.filter(({ event }) => event.event === 'done'),
    touched,
    dirty: blockSet(ofState('started', 'failed', 'invalidated').map(({ range }) => range)),
  }
}

/** An event that says of done blocks that their sources have changed: nothing was written. */
function isMark({ event, sqlHash }: Pick<PastEvent, 'event' | 'sqlHash'>): boolean {
  return event === 'done' && markOf(sqlHash).reason === 'late'
}

function visibleIn(events: readonly PastEvent[], window: Range): readonly Visible<PastEvent>[] {
  return visible(events).flatMap(({ range, event }) =>
    intersect([range], [window]).map((part) => ({ range: part, event })),
  )
}
