// Owns which rows that the ledger does not know can be adopted: a sample of them is computed again and compared.
import { failedError, usageError } from '../../model/errors.ts'
import {
  blockSet,
  type BlockSet,
  countBlocks,
  intersect,
  type Range,
  subtract,
  union,
} from '../../model/blocks.ts'
import { inUnit, isPosition, type PerUnit, type TableDefinition } from '../../model/model.ts'
import { ALL_BLOCKS } from '../../ledger/latest-events.ts'
import { hasLostRows } from '../../planning/absence.ts'
import { makeProbe } from '../../planning/probe.ts'
import { probeMissing } from '../../planning/probe-missing.ts'
import { DEFAULT_CHUNK_ROWS } from '../../planning/sizing.ts'
import { cutChunks } from '../../planning/row-estimates.ts'
import {
  blocksIn,
  inputsOf,
  readTableStatuses,
  type TableInput,
  type TableStatus,
} from '../../planning/table-status.ts'
import { inputPositions, type InputPositions } from '../../runner/chunk-inputs.ts'
import type { Fingerprint } from '../../sources/fingerprint.ts'
import { forksText } from '../../planning/stale-ranges.ts'
import type { Server } from '../../clickhouse/server.ts'
import type { Workspace } from '../../runner/workspace.ts'
import type { Connected } from '../../workspace/connect.ts'
import { assertNotDoubled } from './doubled.ts'
import { verify, type VerifyHooks, type VerifyOptions } from '../verify/verify.ts'

export type AdoptOptions = VerifyOptions & {
  readonly lag: PerUnit
  /** An earlier UUID of the table, of whose events the ledger has the truth about these rows. */
  readonly fromUuid: string | undefined
  /** Nothing is to be recorded. */
  readonly dryRun: boolean
}

export type Adoption = Awaited<ReturnType<typeof planAdoption>>

/** Compares a sample of the rows that could be adopted. Reads only. @throws BackfillError `usage`, `server`, `failed` */
export async function planAdoption(
  workspace: Workspace,
  ports: Connected,
  options: AdoptOptions,
  hooks: VerifyHooks,
) {
  const table = workspace.chosen[0]!
  const tableStatuses = await readTableStatuses(workspace, { lag: options.lag })
  const tableStatus = tableStatuses.get(table.key)!
  const targetUuid = tableStatus.target?.uuid
  if (targetUuid === undefined)
    throw usageError(
      `${workspace.ports.target.database}.${table.target} does not exist: there is nothing to adopt`,
      `backfill up --tables ${table.key} creates and fills it`,
    )
  const isKnown = options.fromUuid === undefined && lacksParts(tableStatus)
  const { blocks, chunk, looked } =
    options.fromUuid !== undefined
      ? await knownBlocks(workspace, tableStatus, options.fromUuid)
      : isKnown
        ? { blocks: blocksIn(tableStatus.view, 'done'), chunk: Infinity, looked: workspace }
        : await storedBlocks(workspace, ports, tableStatus, options)
  if (options.fromUuid === undefined)
    await assertNotDoubled(ports.target, table, tableStatus.target!.engine, blocks)
  const inputs = inputsOf(table, tableStatuses)
  const ranges =
    options.fromUuid === undefined && !isKnown ? cutChunks(blocks, { blocks: chunk }, 'oldest') : []
  const before = options.dryRun ? NOTHING_READ : await readBefore(workspace, table, inputs, ranges)
  const last = blocks.at(-1)!.to
  const sampled = { ...options, chunk: options.chunk ?? (ranges.length > 0 ? chunk : undefined) }
  const verifications = [await verify(looked, ports, sampled, hooks)]
  // A backup that is older than the ledger lacks the last blocks.
  const ends = { ...options, from: Math.max(0, last - LAST_BLOCKS + 1), to: last, sample: undefined }
  verifications.push(await verify(looked, ports, ends, hooks))
  return { tableStatus, targetUuid, blocks, isKnown, ranges, inputs, before, verifications }
}

/** Whether the ledger knows all that is to be adopted, and only the data parts are others than it knows. */
function lacksParts({ table, absences }: TableStatus): boolean {
  return table.rows.kind === 'per-key' && hasLostRows(absences)
}

/** What the rows are compared with, before that: what changes during the comparison is found later, as after a chunk. */
async function readBefore(
  { ports }: Workspace,
  { sources: names }: TableDefinition,
  inputs: readonly TableInput[],
  ranges: readonly Range[],
): Promise<{ readonly sources: readonly Fingerprint[]; readonly positions: InputPositions }> {
  const positions = await inputPositions(ports, inputs)
  const sources: Fingerprint[] = []
  for (const range of ranges) sources.push(await ports.source.fingerprint(names, range))
  return { sources, positions }
}

const NOTHING_READ = { sources: [], positions: new Map() }

const LAST_BLOCKS = 100

type Found = { readonly blocks: BlockSet; readonly chunk: number; readonly looked: Workspace }

/**
 * Blocks between the ends of the stored rows that the ledger does not know, and that could be computed again; without the
 * gaps between the rows: nobody knows whether these have no rows, or were never computed.
 */
async function storedBlocks(
  workspace: Workspace,
  ports: Connected,
  { table, missing, dirty }: TableStatus,
  options: AdoptOptions,
): Promise<Found> {
  const ends = await endsOf(ports.target, table)
  const { from = ends.from, to = ends.to } = options
  const wanted = intersect(missing, from > to ? [] : [{ from, to }])
  const known = subtract(wanted, union(dirty, await gapsOf(ports.target, table)))
  const { runnable: blocks, rowEstimates } = await probeMissing(makeProbe(workspace), table, known)
  if (blocks.length === 0)
    throw usageError(
      `${workspace.ports.target.database}.${table.target} has no blocks to adopt: none is missing that the sources have, between ${from} and ${to}`,
      `backfill status --tables ${table.key}`,
    )
  const rows = rowEstimates.reduce((sum, one) => sum + one.rows, 0)
  const byRows = (countBlocks(blocks) * (options.chunkRows ?? DEFAULT_CHUNK_ROWS)) / Math.max(1, rows)
  const chunk = inUnit(options.chunk, table.unit) ?? Math.max(1, Math.floor(byRows))
  const { sqlHash } = table
  const built = { state: 'done', sqlHash, forks: forksText(table, workspace), inputs: '' } as const
  const islands = blocks.map((range) => ({ ...range, ...built }))
  const view = {
    islands,
    tail: 0,
    position: [0, 0] as const,
    lastRun: undefined,
    digestRows: 0,
    oldestParts: [],
  }
  const fold = async () => new Map([[table.key, view]])
  const ledger = { ...workspace.ports.ledger, fold }
  return { blocks, chunk, looked: { ...workspace, ports: { ...workspace.ports, ledger } } }
}

/** Of a sparse table with more gaps than this, shorter ones are taken for blocks without rows. */
const MAX_GAPS = 1_000

/** Stretches without rows, longer than half of the steps from one row to the next: in a table by time no second has a row. */
async function gapsOf(
  { client, connection }: Server,
  { key, rows, target: name, position }: TableDefinition,
): Promise<BlockSet> {
  if (rows.kind === 'per-key') return []
  const gaps = await client.rows<Range>({
    query: `WITH
        steps AS (
          SELECT at, lagInFrame(at, 1, at) OVER (ORDER BY at ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS before
          FROM (SELECT DISTINCT toUInt64(${position}) AS at FROM {database:Identifier}.{table:Identifier})
        ),
        (SELECT quantileExact(at - before) FROM steps WHERE at > before) AS usual
      SELECT before + 1 AS "from", at - 1 AS "to" FROM steps
      WHERE at - before > greatest(usual, 1) ORDER BY at - before DESC LIMIT {most:UInt64}`,
    query_params: { database: connection.database, table: name, most: MAX_GAPS },
    doing: `looking for blocks of ${key} without rows`,
  })
  return blockSet(gaps)
}

async function endsOf(
  { client, connection }: Server,
  { key, rows, target: name, position }: TableDefinition,
): Promise<Range> {
  if (rows.kind === 'per-key' && !isPosition(rows.column, position))
    return { from: 0, to: Number.MAX_SAFE_INTEGER }
  const [ends] = await client.rows<Range>({
    query: `SELECT toUInt64(min(${position})) AS "from", toUInt64(max(${position})) AS "to"
      FROM {database:Identifier}.{table:Identifier}`,
    query_params: { database: connection.database, table: name },
    doing: `looking for the first and last block of ${key}`,
  })
  // A key's first row says nothing of where the table begins.
  return rows.kind === 'per-key' ? { from: 0, to: ends!.to } : ends!
}

async function knownBlocks(
  workspace: Workspace,
  { table, view, target }: TableStatus,
  fromUuid: string,
): Promise<Found> {
  const { key } = table
  if (view?.lastRun !== undefined)
    throw usageError(
      `the ledger has events of the present table of ${key}: those of an earlier one cannot be taken over`,
      `backfill status --tables ${key}`,
    )
  const earlier = (await workspace.ports.ledger.fold(new Map([[key, fromUuid]]))).get(key)
  const blocks = blocksIn(earlier, 'done')
  if (blocks.length === 0) {
    const known = await workspace.ports.ledger.earlier(key, target!.uuid)
    throw usageError(
      `the ledger has no done blocks of a table of ${key} with the UUID ${fromUuid}`,
      known === undefined ? `backfill adopt ${key}` : `backfill adopt ${key} --from-uuid ${known.uuid}`,
    )
  }
  const { ports } = workspace
  const others = subtract([ALL_BLOCKS], blocksIn(earlier, 'done', 'dirty', 'invalidated'))
  // A run computes those blocks, and writes them beside the rows that are there.
  const extra = target!.engine.includes('Replacing') ? 0 : await ports.executor.count(table, others)
  if (extra > 0)
    throw failedError(
      `${ports.target.database}.${table.target} has ${extra} rows in blocks that the ledger does not know of the table with the UUID ${fromUuid}, and its engine ${target!.engine} keeps them beside those that a run writes`,
      `backfill adopt ${key}`,
    )
  const tables: typeof ports.target.tables = async (names) => {
    const found = new Map(await ports.target.tables(names))
    const present = found.get(table.target)
    return present === undefined ? found : found.set(table.target, { ...present, uuid: fromUuid })
  }
  const looked = { ...workspace, ports: { ...ports, target: { ...ports.target, tables } } }
  return { blocks, chunk: Infinity, looked }
}
