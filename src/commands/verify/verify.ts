// Owns verification: it computes done ranges again, chunk by chunk, and compares them with the stored rows. Reads only.
import pLimit from 'p-limit'
import { findChanges } from '../../sources/changes.ts'
import { checkTables } from '../../targets/check-columns.ts'
import { retryOf, usageError } from '../../model/errors.ts'
import { type BlockSet, blockSet, intersect, type Range, subtract } from '../../model/blocks.ts'
import type { TableDefinition } from '../../model/model.ts'
import { withRetry } from '../../clickhouse/retry.ts'
import { NO_PACE, readRunHistory, sizingOf, slotsFor } from '../../planning/sizing.ts'
import { hintOf, splitStaleTag, type StaleReason } from '../../ledger/stale.ts'
import {
  builtRowEstimates,
  sample,
  type VerifyChunk,
  verifyChunks,
  openVersions,
  type Version,
} from './chunks.ts'
import type { Position } from '../../ledger/events.ts'
import { ALL_BLOCKS } from '../../ledger/latest-events.ts'
import { blocksIn, type Known, readKnown, readTableStatuses } from '../../planning/table-status.ts'
import { type Comparison, compareRange, mayDrop, outcomeOf } from './compare.ts'
import { readSides } from '../../targets/compare-sides.ts'
import type { Connected } from '../../workspace/connect.ts'
import type { Workspace } from '../../runner/workspace.ts'
import type { UpOptions } from '../../planning/run-options.ts'
import { monotonicMs } from '../../seam/clock.ts'

export type VerifyOptions = Pick<UpOptions, 'from' | 'to' | 'chunk' | 'chunkRows' | 'jobs' | 'giveUpMs'> & {
  /** Chunks of each table, chosen uniformly by `seed`; undefined: all. */
  readonly sample: number | undefined
  readonly seed: number
  /** Compute with the SQL and the forks that built each range, in place of those of today. */
  readonly asBuilt?: boolean
}

/** `sources`: also if they are only seen to have changed. `gone`: source rows were pruned. `dropped`: the table's TTL or engine may have dropped or combined rows. */
export type WhyStale = StaleReason | 'gone' | 'dropped'

export type ChunkComparison = Range &
  Comparison & {
    /** `duplicates`: the transform yields several rows of one key, whatever the table holds. */
    readonly outcome: 'same' | 'different' | 'duplicates'
    readonly why: WhyStale | undefined
    readonly elapsedMs: number
  }

export type VerifyHooks = {
  readonly report: (table: string, chunkComparison: ChunkComparison) => void
  /** After an abort no chunk starts, and running queries are cancelled. */
  readonly signal: AbortSignal
}

/** After an abort the report has the chunks verified until then. @throws BackfillError `usage`, `server`, `failed` */
export async function verify(
  workspace: Workspace,
  ports: Connected,
  options: VerifyOptions,
  hooks: VerifyHooks,
) {
  const known = await readKnown(workspace)
  for (const { key, target } of workspace.chosen)
    if (!known.targets.has(target))
      throw usageError(
        `${workspace.ports.target.database}.${target} does not exist: there is nothing to verify`,
        `backfill up --tables ${key} creates and fills it`,
      )
  await checkTables(workspace, workspace.chosen, known.targets)
  const { capacity, throughputs } = await readRunHistory(workspace, known.uuids)
  const slot = pLimit(slotsFor({ ...options, tableJobs: undefined }, capacity).jobs)
  const tables = []
  for (const table of workspace.chosen) {
    const { key } = table
    const targetUuid = known.uuids.get(key)!
    const sides = await readSides(ports.target, workspace.ports.executor.describe, table)
    const { islands, dirty, since } = await readDone(workspace, ports, { key, targetUuid })
    const throughput = throughputs.get(key) ?? NO_PACE
    const built = { key, targetUuid, window: ALL_BLOCKS, withoutStaleTags: true }
    const sizing = sizingOf({
      table,
      options,
      rowEstimates: await builtRowEstimates(ports.recordedEvents.latest(built)),
      throughput,
      // Each chunk reads the table itself, as a chunk of a dependant reads its inputs.
      inputs: [{ throughput, target: known.targets.get(table.target) }],
      jobs: slot.concurrency,
      capacity,
      tooBig: undefined,
    })
    const { from = 0, to = ALL_BLOCKS.to, sample: size = Infinity } = options
    const chunks = verifyChunks(islands, { from, to }, sizing)
    const failing = new AbortController()
    const signal = AbortSignal.any([hooks.signal, failing.signal])
    const present = { table, sides, network: workspace.network }
    const builtWith = options.asBuilt
      ? await openVersions(workspace, ports, table)
      : () => Promise.resolve(present)
    const question = { workspace, ports, known, options, signal, table, targetUuid, since, builtWith }
    const work = sample(chunks, size, options.seed).map((chunk) =>
      slot(async () => {
        const found = await verifyChunk(question, chunk)
        for (const chunkComparison of found) hooks.report(key, chunkComparison)
        return found
      }),
    )
    const comparisons = await Promise.all(work).catch(async (error: unknown) => {
      failing.abort()
      await Promise.allSettled(work)
      throw error
    })
    tables.push({
      table: key,
      target: `${workspace.ports.target.database}.${table.target}`,
      rows: table.rows.kind,
      hint: hintOf(table, workspace.catalogue.tables),
      columns: sides.compared,
      notCompared: sides.not,
      chunks: chunks.length,
      verified: comparisons.flat().length,
      ranges: comparisons.flat(),
      dirty,
    })
  }
  // Of the sample; null if all chunks were verified.
  const seed = options.sample === undefined ? null : options.seed
  return { network: workspace.network.name, seed, tables }
}

export type VerifyReport = Awaited<ReturnType<typeof verify>>

async function readDone(
  { ports: { ledger } }: Workspace,
  { recordedEvents }: Connected,
  { key, targetUuid }: Pick<Question, 'targetUuid'> & Pick<TableDefinition, 'key'>,
) {
  const since = await recordedEvents.last(key, targetUuid)
  const view = (await ledger.fold(new Map([[key, targetUuid]]))).get(key)
  const islands = (view?.islands ?? []).filter(({ state }) => state === 'done')
  return { islands, dirty: blocksIn(view, 'dirty', 'invalidated'), since }
}

type Question = {
  readonly workspace: Workspace
  readonly ports: Connected
  readonly known: Known
  readonly options: VerifyOptions
  readonly signal: AbortSignal
  readonly table: TableDefinition
  readonly targetUuid: string
  readonly since: Position
  /** What a chunk is computed with: the files of today, or with --as-built what built it. */
  readonly builtWith: (chunk: VerifyChunk) => Promise<Version>
}

/** One after the other: other chunks run beside them. */
async function verifyEach(
  question: Question,
  chunks: readonly VerifyChunk[],
): Promise<readonly ChunkComparison[]> {
  const comparisons = []
  for (const chunk of chunks) comparisons.push(...(await verifyChunk(question, chunk)))
  return comparisons
}

/** The comparison of a chunk, or of its halves if it takes too much memory or time; empty after an abort. */
async function verifyChunk(question: Question, chunk: VerifyChunk): Promise<readonly ChunkComparison[]> {
  const { workspace, ports, options, signal, targetUuid } = question
  const { source, target } = ports
  const { from, to } = chunk
  const started = monotonicMs()
  if (signal.aborted) return []
  const { table, sides, network } = await question.builtWith(chunk)
  let comparison: Comparison
  try {
    comparison = await withRetry(
      { queries: workspace.ports.queries, retryPolicy: { giveUpMs: options.giveUpMs, signal } },
      () => compareRange({ source, target, network, table, sides, range: chunk, signal }),
    )
  } catch (error) {
    if (signal.aborted) return []
    if (retryOf(error) !== 'split' || from === to) throw error
    const middle = Math.floor((from + to) / 2)
    return await verifyEach(question, [
      { ...chunk, to: middle },
      { ...chunk, from: middle + 1 },
    ])
  }
  const outcome = outcomeOf(comparison, sides)
  if (outcome !== 'same') {
    const { key } = table
    const touched = await ports.recordedEvents.touchedSince(question.since, {
      key,
      targetUuid,
      window: chunk,
    })
    // Another run worked on these blocks meanwhile: verify the blocks that are done now.
    if (touched.length > 0) {
      const { islands, since } = await readDone(workspace, ports, { key, targetUuid })
      return await verifyEach({ ...question, since }, verifyChunks(islands, chunk, { blocks: Infinity }))
    }
  }
  const tag = staleBy(table, chunk.sqlHash)
  const isExplained = outcome === 'same' || tag !== undefined
  const { why, blocks } = isExplained
    ? { why: tag, blocks: [chunk] }
    : await whySince(question, mayDrop(comparison, sides), chunk)
  const parts = partsOf(chunk, blocks)
  if (parts.length > 1)
    return await verifyEach(
      question,
      parts.map((part) => ({ ...chunk, ...part })),
    )
  return [{ from, to, outcome, why, ...comparison, elapsedMs: Math.round(monotonicMs() - started) }]
}

function staleBy(table: TableDefinition, sqlHash: string): WhyStale | undefined {
  const { reason, hash } = splitStaleTag(sqlHash)
  return reason ?? (hash === table.sqlHash ? undefined : 'sql')
}

/** The blocks of a chunk in which a difference is explained, and the others; the whole chunk if these are too many parts. */
function partsOf(chunk: Range, explained: BlockSet): BlockSet {
  const parts = [...intersect([chunk], explained), ...subtract([chunk], explained)].toSorted(
    (a, b) => a.from - b.from,
  )
  return parts.length > MAX_PARTS ? [chunk] : parts
}

const MAX_PARTS = 64

/** Why blocks of the chunk are stale, or whether their sources have changed since, which explains a difference in them. */
async function whySince(
  { workspace, ports, known, options, table: present }: Question,
  isDropping: boolean,
  chunk: Range,
): Promise<{ readonly why: WhyStale | undefined; readonly blocks: BlockSet }> {
  const statuses = await readTableStatuses({ ...workspace, chosen: [present] }, { lag: 0 })
  const stale = statuses.get(present.key)!.stale.find(({ blocks }) => intersect(blocks, [chunk]).length > 0)
  // Computed with what built it, an edited file explains nothing.
  const reasons = stale?.reasons.filter((why) => !options.asBuilt || !['sql', 'forks'].includes(why))
  if (reasons?.[0] !== undefined) return { why: reasons[0], blocks: stale!.blocks }
  const { gone, changed } = await findChanges(ports, { table: present, uuids: known.uuids, window: chunk })
  if (gone.length > 0) return { why: 'gone', blocks: gone }
  if (changed.size > 0) return { why: 'sources', blocks: blockSet([...changed.values()].flat()) }
  return { why: isDropping ? 'dropped' : undefined, blocks: [chunk] }
}
