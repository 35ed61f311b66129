// Owns what a table's past says of its blocks: which event is seen over each, and which built it.
import { type BlockSet, blockSet, intersect, type Range } from '../model/blocks.ts'
import { markOf } from './stale.ts'
import { type Latest, visible } from './latest-events.ts'
import type { RecordedEvent, RecordedEventsPort } from './history.ts'

/** By block, within the window that was asked for. */
export type Coverage = {
  /** The latest event over each stretch. */
  readonly seen: readonly Latest<RecordedEvent>[]
  /** Those of them that are `done`. */
  readonly done: readonly Latest<RecordedEvent>[]
  /** The same stretches with the events that built them: a mark is not one. */
  readonly built: readonly Latest<RecordedEvent>[]
  /** The latest event over each stretch that may have changed rows: a mark changes none. */
  readonly touched: readonly Latest<RecordedEvent>[]
  readonly dirty: BlockSet
}

export const EVERYTHING: Range = { from: 0, to: Number.MAX_SAFE_INTEGER }

export type CoverageQuestion = {
  readonly key: string
  /** Undefined where there is no ledger: then nothing is done. */
  readonly uuid: string | undefined
  readonly window?: Range
}

/** @throws BackfillError `server` */
export async function readCoverage(
  recordedEvents: RecordedEventsPort,
  question: CoverageQuestion,
): Promise<Coverage> {
  const { key, uuid, window = EVERYTHING } = question
  const events =
    uuid === undefined
      ? []
      : await recordedEvents.events({ key, targetUuid: uuid, window, fingerprints: false })
  const seen = visibleIn(events, window)
  const touched = visibleIn(
    events.filter((event) => !isMark(event)),
    window,
  )
  const ofState = (...names: RecordedEvent['event'][]) =>
    seen.filter(({ event }) => names.includes(event.event))
  return {
    seen,
    done: ofState('done'),
    built: touched.filter(({ event }) => event.event === 'done'),
    touched,
    dirty: blockSet(ofState('started', 'failed', 'invalidated').map(({ range }) => range)),
  }
}

/** An event that says of done blocks that their sources have changed: nothing was written. */
function isMark({ event, sqlHash }: Pick<RecordedEvent, 'event' | 'sqlHash'>): boolean {
  return event === 'done' && markOf(sqlHash).reason === 'late'
}

function visibleIn(events: readonly RecordedEvent[], window: Range): readonly Latest<RecordedEvent>[] {
  return visible(events).flatMap(({ range, event }) =>
    intersect([range], [window]).map((part) => ({ range: part, event })),
  )
}
