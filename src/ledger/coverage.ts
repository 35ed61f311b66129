// Owns what a table's past says of its blocks: which event is seen over each, and which built it.
import { type BlockSet, blockSet, intersect, type Range } from '../model/blocks.ts'
import { markOf } from './stale.ts'
import { type Visible, visible } from './latest-events.ts'
import type { PastEvent, PastPort } from './history.ts'

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
