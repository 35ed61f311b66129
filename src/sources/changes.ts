// Owns finding done ranges whose sources have changed since they were built. Reads only, page by page.
import { type BlockSet, blockSet, hull, intersect, type Range, subtract } from '../model/blocks.ts'
import type { TableDefinition } from '../model/model.ts'
import { ALL_BLOCKS, type LatestEvent, type LedgerEvents } from '../ledger/latest-events.ts'
import { splitStaleTag } from '../ledger/stale.ts'
import {
  evaluateChange,
  type Fingerprint,
  goneBlocks,
  isRewritten,
  readFingerprint,
  type SourceFacts,
  sourceRowsPruned,
} from './fingerprint.ts'
import { sql } from 'kysely'
import { typed, unionOf } from '../clickhouse/dialect.ts'
import { rowsIn, type SourcePlace } from './rows.ts'
import { FACTS, type SourcePort } from './source.ts'

type ChangePorts = {
  readonly recordedEvents: LedgerEvents
  readonly sources: SourcePlace
  readonly sourceRows: SourceRows
}

export type ChangesQuestion = {
  readonly table: TableDefinition
  /** Table key -> UUID of the target; empty if there is no ledger. */
  readonly uuids: ReadonlyMap<string, string>
  readonly window?: Range
}

export type Changes = Awaited<ReturnType<typeof findChanges>>

/** @throws BackfillError `server` */
export async function findChanges(
  ports: ChangePorts,
  { table, uuids, window = ALL_BLOCKS }: ChangesQuestion,
) {
  /** Blocks were added, or rows were rewritten; by the hash of the SQL that built them. */
  const changed = new Map<string, Range[]>()
  /** Source rows of these blocks were pruned; their neighbours are not among them. */
  const gone: Range[] = []
  /** Blocks that have a stale tag already, which are not checked; and checked blocks. */
  const [marked, looked]: [Range[], Range[]] = [[], []]
  const targetUuid = uuids.get(table.key)
  if (targetUuid === undefined) return { changed, gone, marked, looked }
  for await (const page of ports.recordedEvents.latest({ key: table.key, targetUuid, window })) {
    const open: LatestEvent[] = []
    for (const part of page.filter(({ event }) => event === 'done')) {
      const isStale = splitStaleTag(part.sqlHash).reason !== undefined
      add(isStale ? marked : looked, part.range)
      if (!isStale) open.push(part)
    }
    for (const batch of batchesOf(open))
      for (const { range, sqlHash, eventRange, isChanged, pruned } of await evaluateAll(
        ports,
        table,
        batch,
      )) {
        const lost = pruned
          ? intersect([range], await prunedBlocks(ports.sourceRows, eventRange, pruned))
          : []
        for (const one of lost) add(gone, one)
        if (!isChanged) continue
        if (!changed.has(sqlHash)) changed.set(sqlHash, [])
        for (const one of subtract([range], lost)) add(changed.get(sqlHash)!, one)
      }
  }
  return { changed, gone, marked, looked }
}

/** Adds a range that lies above all existing ranges. */
function add(ranges: Range[], { from, to }: Range): void {
  const last = ranges.at(-1)
  if (last !== undefined && last.to + 1 === from) ranges[ranges.length - 1] = { from: last.from, to }
  else ranges.push({ from, to })
}

async function evaluateAll(
  { recordedEvents, sources: place }: ChangePorts,
  { key, sources }: TableDefinition,
  batch: readonly LatestEvent[],
) {
  const positions = batch.map(({ position }) => position)
  const [before, facts] = await Promise.all([
    recordedEvents.fingerprints(key, positions),
    factsOf(place, sources, batch),
  ])
  return batch.map(({ range, eventRange, sqlHash }, index) => {
    const question = {
      before: readFingerprint(before[index]!),
      whole: facts(eventRange),
      part: facts(range),
    }
    const change = evaluateChange(question)
    // Of pruned ranges, what is left.
    const isChanged = change === 'changed' || (change === 'gone' && isRewritten(question))
    const pruned = change === 'gone' ? { before: question.before, now: question.whole } : undefined
    return { range, eventRange, sqlHash, isChanged, pruned }
  })
}

/** Parts and blocks per query: an abort waits for one, and an answer has to fit into memory. */
const BATCH_PARTS = 1_000
const BATCH_BLOCKS = 1_000_000

function batchesOf(parts: readonly LatestEvent[]): readonly (readonly LatestEvent[])[] {
  const batches: LatestEvent[][] = []
  for (const part of parts) {
    const last = batches.at(-1)
    const fits =
      last !== undefined &&
      last.length < BATCH_PARTS &&
      part.eventRange.to - last[0]!.eventRange.from < BATCH_BLOCKS
    if (fits) last.push(part)
    else batches.push([part])
  }
  return batches
}

async function factsOf(place: SourcePlace, sources: readonly string[], batch: readonly LatestEvent[]) {
  if (sources.length === 0) return () => new Map<string, SourceFacts>()
  const ends = batch.flatMap(({ range, eventRange }) => [range, eventRange])
  const around = hull(blockSet(ends))!
  const starts = [...new Set(ends.flatMap(({ from, to }) => [from, to + 1]))]
    .filter((block) => block <= around.to)
    .toSorted((a, b) => a - b)
  const indexOf = new Map(starts.map((start, index) => [start, index]))
  const found = Map.groupBy(await segmentsIn(place, sources, around, starts), ({ from }) => from)
  return ({ from, to }: Range) => {
    const sums = new Map(sources.map((source) => [source, { blocks: 0, newest: 0 }]))
    for (let index = indexOf.get(from)!; index < starts.length && starts[index]! <= to; index++)
      for (const { source, blocks, newest } of found.get(starts[index]!) ?? []) {
        const sum = sums.get(source)!
        sums.set(source, { blocks: sum.blocks + blocks, newest: Math.max(sum.newest, newest) })
      }
    return sums
  }
}

type Segment = SourceFacts & { readonly source: string; readonly from: number }

/** Each segment begins at one of `starts`, ascending from the range's first, and ends before the next; without a row it is absent. */
async function segmentsIn(
  place: SourcePlace,
  sources: readonly string[],
  range: Range,
  starts: readonly number[],
): Promise<readonly Segment[]> {
  const start = sql<number>`roundDown(block_number, ${typed(starts, 'Array(UInt64)')})`
  const all = unionOf(
    sources.map((source) =>
      rowsIn(place, source, range, place.server.db)
        .select([sql<string>`${source}`.as('source'), sql<number>`toUInt64(${start})`.as('from'), ...FACTS])
        .groupBy('from'),
    ),
  )
  return (await all?.execute()) ?? []
}

export type SourceRows = Pick<SourcePort, 'buckets'>

/** The blocks whose rows may be gone; none if nothing was pruned. One query for each source that lost some of its rows. */
export async function prunedBlocks(
  source: SourceRows,
  range: Range,
  { before, now }: { readonly before: Fingerprint; readonly now: Fingerprint },
): Promise<BlockSet> {
  const lost = [...now].filter((one) => sourceRowsPruned(before, new Map([one])))
  const parts = lost.map(async ([name, { blocks }]): Promise<BlockSet> => {
    const buckets = blocks === 0 ? [] : ((await source.buckets([name], range, 1)).get(name) ?? [])
    const present = blockSet(buckets.map(({ first, last }) => ({ from: first, to: last })))
    return goneBlocks(range, before.get(name)!, present)
  })
  return blockSet((await Promise.all(parts)).flat())
}
