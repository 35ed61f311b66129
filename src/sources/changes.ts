// Owns finding done ranges whose sources, or inputs, have changed since they were built. Reads only.
import type { Range } from '../model/blocks.ts'
import type { TableDefinition } from '../model/model.ts'
import { type BlockSet, blockSet } from '../model/blocks.ts'
import {
  type Fingerprint,
  type InputVersion,
  isLater,
  evaluateChange,
  readFingerprint,
  type SourceFacts,
} from './fingerprint.ts'
import { markOf } from '../ledger/stale.ts'
import type { Latest } from '../ledger/latest-events.ts'
import { readCoverage } from '../ledger/coverage.ts'
import type { RecordedEvent, RecordedEventsPort } from '../ledger/history.ts'
import type { Segment, SegmentPort } from './source.ts'

type ChangePorts = { readonly recordedEvents: RecordedEventsPort; readonly segments: SegmentPort }

export type ChangesQuestion = {
  readonly table: TableDefinition
  /** Table key -> UUID of the target, of the table and of those that it reads; empty where there is no ledger. */
  readonly uuids: ReadonlyMap<string, string>
  /** Only blocks of this range. */
  readonly window?: Range
}

/** A part of a done range, with the event that is seen over it. */
export type SourceChange = Latest<RecordedEvent> & { readonly change: 'changed' | 'gone' }

export type Changes = {
  readonly changes: readonly SourceChange[]
  /** Blocks that are marked as stale already: they were not looked at. */
  readonly marked: BlockSet
  /** Blocks that were looked at. */
  readonly looked: BlockSet
}

/** @throws BackfillError `server` */
export async function findChanges(
  ports: ChangePorts,
  { table, uuids, window }: ChangesQuestion,
): Promise<Changes> {
  const uuid = uuids.get(table.key)
  const { done } = await readCoverage(ports.recordedEvents, {
    key: table.key,
    uuid,
    ...(window && { window }),
  })
  const open = done.filter((one) => !isMarked(one))
  const inputs = await readInputs(ports, table, uuids)
  const changes: SourceChange[] = []
  for (const batch of batchesOf(open)) {
    const before = await fingerprintsOf(ports, { key: table.key, targetUuid: uuid!, batch })
    const facts = await factsOf(ports, table.sources, batch)
    for (const { range, event } of batch) {
      const change = evaluateChange({
        before: before.get(positionOf(event)) ?? NO_FINGERPRINT,
        whole: facts(event.range),
        part: facts(range),
        inputs: new Map(
          [...inputs].flatMap(([key, seen]): [string, InputVersion][] => {
            const latest = latestIn(seen, range)
            return latest === undefined ? [] : [[key, latest]]
          }),
        ),
      })
      if (change !== 'same') changes.push({ range, event, change })
    }
  }
  return {
    changes,
    marked: blockSet(done.filter(isMarked).map(({ range }) => range)),
    looked: blockSet(open.map(({ range }) => range)),
  }
}

function isMarked({ event }: Latest<RecordedEvent>): boolean {
  return markOf(event.sqlHash).reason !== undefined
}

const NO_FINGERPRINT: Fingerprint = { sources: new Map(), inputs: new Map() }

/** What has last happened to the tables that a table reads, by block; a mark changes no row. */
async function readInputs(
  { recordedEvents }: Pick<ChangePorts, 'recordedEvents'>,
  { after }: TableDefinition,
  uuids: ReadonlyMap<string, string>,
): Promise<ReadonlyMap<string, readonly Latest<RecordedEvent>[]>> {
  return new Map(
    await Promise.all(
      after.map(
        async (key) =>
          [key, (await readCoverage(recordedEvents, { key, uuid: uuids.get(key) })).touched] as const,
      ),
    ),
  )
}

function latestIn(seen: readonly Latest<RecordedEvent>[], { from, to }: Range): InputVersion | undefined {
  let latest: InputVersion | undefined
  for (let at = firstEnding(seen, from); at < seen.length && seen[at]!.range.from <= to; at++) {
    const { epoch, seq } = seen[at]!.event
    if (latest === undefined || isLater([epoch, seq], latest)) latest = [epoch, seq]
  }
  return latest
}

/** Index of the first stretch that ends at the block or behind it. */
function firstEnding(seen: readonly Latest<RecordedEvent>[], block: number): number {
  let [low, high] = [0, seen.length]
  while (low < high) {
    const middle = Math.floor((low + high) / 2)
    if (seen[middle]!.range.to < block) low = middle + 1
    else high = middle
  }
  return low
}

/** Parts that are asked about in one question: a parameter has to fit into the URL, and an answer into memory. */
const BATCH_PARTS = 1_000
const BATCH_BLOCKS = 1_000_000

function batchesOf(parts: readonly Latest<RecordedEvent>[]): readonly (readonly Latest<RecordedEvent>[])[] {
  const batches: Latest<RecordedEvent>[][] = []
  for (const part of parts) {
    const last = batches.at(-1)
    const fits =
      last !== undefined &&
      last.length < BATCH_PARTS &&
      part.event.range.to - last[0]!.event.range.from < BATCH_BLOCKS
    if (fits) last.push(part)
    else batches.push([part])
  }
  return batches
}

function hullOf(batch: readonly Latest<RecordedEvent>[]): Range {
  return {
    from: Math.min(...batch.map(({ event }) => event.range.from)),
    to: Math.max(...batch.map(({ event }) => event.range.to)),
  }
}

async function fingerprintsOf(
  { recordedEvents }: Pick<ChangePorts, 'recordedEvents'>,
  question: {
    readonly key: string
    readonly targetUuid: string
    readonly batch: readonly Latest<RecordedEvent>[]
  },
): Promise<ReadonlyMap<string, Fingerprint>> {
  const { key, targetUuid, batch } = question
  const wanted = new Set(batch.map(({ event }) => positionOf(event)))
  const events = await recordedEvents.events({ key, targetUuid, window: hullOf(batch), fingerprints: true })
  return new Map(
    events
      .filter((event) => wanted.has(positionOf(event)))
      .map((event) => [positionOf(event), readFingerprint(event.fingerprint)]),
  )
}

function positionOf({ epoch, seq }: RecordedEvent): string {
  return `${epoch} ${seq}`
}

/** What the sources have now in any of the batch's ranges: asked once, in stretches of which these ranges are made. */
async function factsOf(
  { segments }: Pick<ChangePorts, 'segments'>,
  sources: readonly string[],
  batch: readonly Latest<RecordedEvent>[],
): Promise<(range: Range) => ReadonlyMap<string, SourceFacts>> {
  if (sources.length === 0) return () => new Map()
  const around = hullOf(batch)
  const ends = batch.flatMap(({ range, event }) => [range, event.range])
  const starts = [...new Set(ends.flatMap(({ from, to }) => [from, to + 1]))]
    .filter((block) => block <= around.to)
    .toSorted((a, b) => a - b)
  const indexOf = new Map(starts.map((start, index) => [start, index]))
  const found = Map.groupBy(await segments.segments(sources, around, starts), ({ from }) => from)
  return ({ from, to }) => {
    const sums = new Map<string, SourceFacts>()
    for (let index = indexOf.get(from)!; index < starts.length && starts[index]! <= to; index++)
      for (const segment of found.get(starts[index]!) ?? []) add(sums, segment)
    return sums
  }
}

function add(sums: Map<string, SourceFacts>, { source, blocks, newest }: Segment): void {
  const sum = sums.get(source) ?? { blocks: 0, newest: 0 }
  sums.set(source, { blocks: sum.blocks + blocks, newest: Math.max(sum.newest, newest) })
}
