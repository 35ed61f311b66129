// Owns verification: it computes done ranges again, chunk by chunk, and compares them with the stored rows. Reads only.
import pLimit from 'p-limit'
import { findChanges } from '../../sources/changes.ts'
import { checkTables } from '../../targets/check-columns.ts'
import { retryOf, usageError } from '../../model/errors.ts'
import { type BlockSet, intersect, type Range, subtract } from '../../model/blocks.ts'
import type { TableDefinition } from '../../model/model.ts'
import { withRetry } from '../../clickhouse/retry.ts'
import { NO_PACE } from '../../planning/throughput.ts'
import { hintOf, splitStaleTag } from '../../ledger/stale.ts'
import { builtRowEstimates, sample, type VerifyChunk, verifyChunks } from './chunks.ts'
import type { Island, Position } from '../../ledger/events.ts'
import { ALL_BLOCKS } from '../../ledger/latest-events.ts'
import { readRunHistory, sizingOf, slotsFor } from '../../planning/sizing.ts'
import { blocksIn, type Known, readKnown, readTableStatuses } from '../../planning/table-status.ts'
import { compareRange } from './compare.ts'
import { openVersions, type Version } from './versions.ts'
import { readSides, type Sides } from '../../targets/compare-sides.ts'
import type { Comparison, ChunkComparison, VerifyOptions, WhyStale } from './report.ts'
import type { Connected } from '../../workspace/connect.ts'
import type { Workspace } from '../../runner/workspace.ts'
import { monotonicMs } from '../../seam/clock.ts'

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
    const sides = await readSides(ports.target, workspace.ports.executor.describe, table)
    const done = await readDone(workspace, ports, known, table)
    const throughput = throughputs.get(table.key) ?? NO_PACE
    const targetUuid = known.uuids.get(table.key)
    const sizing = sizingOf({
      table,
      options,
      rowEstimates:
        targetUuid === undefined
          ? []
          : await builtRowEstimates(
              ports.recordedEvents.latest({
                key: table.key,
                targetUuid,
                window: ALL_BLOCKS,
                withoutStaleTags: true,
              }),
            ),
      throughput,
      // Each chunk reads the table itself, as a chunk of a dependant reads its inputs.
      inputs: [{ throughput, target: known.targets.get(table.target) }],
      jobs: slot.concurrency,
      capacity,
      tooBig: undefined,
    })
    const wanted = { from: options.from ?? 0, to: options.to ?? ALL_BLOCKS.to }
    const chunks = verifyChunks(done.islands, wanted, sizing)
    const chosen = options.sample === undefined ? chunks : sample(chunks, options.sample, options.seed)
    const failing = new AbortController()
    const signal = AbortSignal.any([hooks.signal, failing.signal])
    const builtWith = options.asBuilt === true ? await openVersions(workspace, ports, table) : undefined
    const question = { workspace, ports, known, options, signal, table, sides, since: done.since, builtWith }
    const work = chosen.map((chunk) =>
      slot(async () => {
        const found = await verifyChunk(question, chunk)
        for (const chunkComparison of found) hooks.report(table.key, chunkComparison)
        return found
      }),
    )
    const comparisons = await Promise.all(work).catch(async (error: unknown) => {
      failing.abort()
      await Promise.allSettled(work)
      throw error
    })
    tables.push({
      table: table.key,
      target: `${workspace.ports.target.database}.${table.target}`,
      rows: table.rows.kind,
      hint: hintOf(table),
      columns: sides.compared,
      notCompared: sides.not,
      chunks: chunks.length,
      verified: comparisons.flat().length,
      ranges: comparisons.flat(),
      dirty: done.dirty,
    })
  }
  // Of the sample; null if all chunks were verified.
  const seed = options.sample === undefined ? null : options.seed
  return { network: workspace.network.name, seed, tables }
}

export type VerifyReport = Awaited<ReturnType<typeof verify>>

async function readDone(
  workspace: Workspace,
  { recordedEvents }: Connected,
  { uuids }: Known,
  { key }: TableDefinition,
): Promise<{ islands: readonly Island[]; dirty: BlockSet; since: Position }> {
  const uuid = uuids.get(key)
  if (uuid === undefined) return { islands: [], dirty: [], since: [0, 0] }
  const since = await recordedEvents.last(key, uuid)
  const view = (await workspace.ports.ledger.fold(new Map([[key, uuid]]))).get(key)
  return {
    islands: (view?.islands ?? []).filter(({ state }) => state === 'done'),
    dirty: blocksIn(view, 'dirty', 'invalidated'),
    since,
  }
}

type Question = {
  readonly workspace: Workspace
  readonly ports: Connected
  readonly known: Known
  readonly options: VerifyOptions
  readonly signal: AbortSignal
  readonly table: TableDefinition
  readonly sides: Sides
  readonly since: Position
  /** What a chunk was built with; undefined: it is compared with the files of today. */
  readonly builtWith: ((chunk: VerifyChunk) => Promise<Version>) | undefined
}

/** The comparison of a chunk, or of its halves if it takes too much memory or time; empty after an abort. */
async function verifyChunk(question: Question, chunk: VerifyChunk): Promise<readonly ChunkComparison[]> {
  const { workspace, ports, known, options, signal, table: present } = question
  const { source, target } = ports
  const started = monotonicMs()
  if (signal.aborted) return []
  const { table, sides, network } = (await question.builtWith?.(chunk)) ?? {
    ...question,
    network: workspace.network,
  }
  let comparison: Comparison
  try {
    comparison = await withRetry(
      { queries: workspace.ports.queries, retryPolicy: { giveUpMs: options.giveUpMs, signal } },
      () => compareRange({ source, target, network, table, sides, range: chunk, signal }),
    )
  } catch (error) {
    if (signal.aborted) return []
    if (retryOf(error) !== 'split' || chunk.from === chunk.to) throw error
    const middle = Math.floor((chunk.from + chunk.to) / 2)
    const lower = await verifyChunk(question, { ...chunk, to: middle })
    return [...lower, ...(await verifyChunk(question, { ...chunk, from: middle + 1 }))]
  }
  const outcome = outcomeOf(comparison)
  if (outcome !== 'same') {
    const targetUuid = known.uuids.get(table.key)!
    const touched = await ports.recordedEvents.touchedSince(question.since, {
      key: table.key,
      targetUuid,
      window: chunk,
    })
    // Another run worked on these blocks meanwhile: verify the blocks that are done now.
    if (touched.length > 0) {
      const { islands, since } = await readDone(workspace, ports, known, present)
      const comparisons = []
      for (const one of verifyChunks(islands, chunk, { blocks: Infinity }))
        comparisons.push(...(await verifyChunk({ ...question, since }, one)))
      return comparisons
    }
  }
  const tag = staleBy(table, chunk.sqlHash)
  const since = outcome === 'same' || tag !== undefined ? NO_REASON : await whySince(question, chunk)
  const parts = partsOf(chunk, since.gone)
  if (parts.length > 1) {
    const comparisons = []
    for (const { from, to } of parts)
      comparisons.push(...(await verifyChunk(question, { ...chunk, from, to })))
    return comparisons
  }
  const why = tag ?? since.why
  const { from, to } = chunk
  return [{ from, to, outcome, why, ...comparison, elapsedMs: Math.round(monotonicMs() - started) }]
}

function outcomeOf({ recomputed, differences }: Comparison): ChunkComparison['outcome'] {
  if (recomputed.rows !== recomputed.keys) return 'duplicates'
  return Object.values(differences).every((keys) => keys === 0) ? 'same' : 'different'
}

function staleBy(table: TableDefinition, sqlHash: string): WhyStale | undefined {
  const { reason, hash } = splitStaleTag(sqlHash)
  return reason ?? (hash === table.sqlHash ? undefined : 'sql')
}

/** The blocks of a chunk that were pruned from the sources, and the others; the whole chunk if these are too many parts. */
function partsOf(chunk: Range, gone: BlockSet): BlockSet {
  const parts = [...intersect([chunk], gone), ...subtract([chunk], gone)].toSorted((a, b) => a.from - b.from)
  return parts.length > MAX_PARTS ? [chunk] : parts
}

const MAX_PARTS = 64

const NO_REASON = { why: undefined, gone: [] }

/** Why the chunk is stale, or whether its sources have changed since, which explains a difference. */
async function whySince(
  { workspace, ports, known, table, sides, builtWith }: Question,
  chunk: Range,
): Promise<{ readonly why: WhyStale | undefined; readonly gone: BlockSet }> {
  const statuses = await readTableStatuses({ ...workspace, chosen: [table] }, { lag: 0 })
  const stale = statuses.get(table.key)!.stale.find(({ blocks }) => intersect(blocks, [chunk]).length > 0)
  // Computed with what built it, an edited file explains nothing.
  const reasons = stale?.reasons.filter((why) => builtWith === undefined || !['sql', 'forks'].includes(why))
  if (reasons?.[0] !== undefined) return { why: reasons[0], gone: [] }
  const { gone, changed } = await findChanges(ports, { table, uuids: known.uuids, window: chunk })
  const why =
    gone.length > 0 ? 'gone' : changed.size > 0 ? 'sources' : sides.dropsMore ? 'dropped' : undefined
  return { why, gone }
}
