// Owns probing all that a table misses, window after window, and all tables together: what one cannot run, its dependants cannot.
// What the last run found is not looked at again where the sources' data parts are the same.
import { type BlockSet, blockSet, subtract, intersect, union } from '../model/blocks.ts'
import { type TableDefinition, type SourceColumns, XATU_COLUMNS } from '../model/model.ts'
import { expectedByDependants } from './bounds.ts'
import { type Availability, divide, type NotRunnable, type Probe, together, NOTHING_FOUND } from './probe.ts'
import type { TableStatus } from './table-status.ts'
import { blockCoverageOf, columnsOf, gapOf, type Scope } from '../model/choose.ts'
import type { SourcePart } from '../ledger/findings.ts'
import { HISTORY_BLOCKS } from '../sources/sparse-silences.ts'
import type { ReadWorkspace } from './run-options.ts'

/** `enough`: after this many rows, the remaining blocks of a table count as runnable. */
export async function probeAll(
  tableStatuses: ReadonlyMap<string, TableStatus>,
  probeBlocks: Probe,
  enough = Infinity,
): Promise<ReadonlyMap<string, Availability>> {
  const own = new Map(
    await Promise.all(
      [...tableStatuses].map(
        async ([key, { table, missing }]) =>
          [key, await probeMissing(probeBlocks, table, missing, enough)] as const,
      ),
    ),
  )
  const all = withInherited(tableStatuses, own)
  return new Map(
    [...own].map(([key, found]) => {
      const { runnable, ...rest } = all.get(key)!
      // What keeps blocks of its inputs from running is known, whether the table's own sources were looked at there or not.
      return [key, { ...found, ...rest, runnable, unprobed: intersect(found.unprobed, runnable) }]
    }),
  )
}

/** What keeps missing blocks of each table from running: a table that reads derived tables inherits what its inputs do not process. */
export function withInherited(
  tableStatuses: ReadonlyMap<string, TableStatus>,
  own: ReadonlyMap<string, NotRunnable>,
) {
  const found = new Map<string, ReturnType<typeof divide>>()
  // Dependencies come first.
  for (const [key, { table, missing }] of tableStatuses) {
    const inputs = table.after.map((input) => {
      const expected = expectedByDependants(tableStatuses.get(input)!.bounds)
      return divide(expected === undefined ? [] : [expected], found.get(input)!)
    })
    const all = [own.get(key)!, ...inputs]
    const sourceGaps = blockSet(all.flatMap((one) => one.sourceGaps))
    const incomplete = blockSet(all.flatMap((one) => one.incomplete))
    found.set(key, divide(missing, { sourceGaps, incomplete }))
  }
  return found
}

/** One window after the other, as in `up`: the answers for a long chain would not fit into memory together. */
export async function probeMissing(
  probeBlocks: Probe,
  table: TableDefinition,
  missing: BlockSet,
  enough = Infinity,
): Promise<Availability> {
  const windows: Omit<Availability, 'buckets'>[] = []
  let left = missing
  for (let rows = 0; rows < enough && left.length > 0;) {
    const window = await probeBlocks.next(table, left, 'oldest', windows.at(-1))
    const { buckets: _, ...found } = await probeBlocks(table, window)
    windows.push(found)
    left = subtract(left, window)
    rows += found.rowEstimates.reduce((sum, segment) => sum + segment.rows, 0)
  }
  return {
    ...together(windows),
    runnable: blockSet([...windows.flatMap((one) => one.runnable), ...left]),
    buckets: new Map(),
    unprobed: left,
    kept: windows.find(({ kept }) => kept !== undefined)?.kept,
  }
}

/** Raised whenever the probe evaluates the same rows in another way. */
const RULES = 1

/** Names a table's own sources, and all else that decides what the probe finds in their rows. */
export function sourcesText(scope: Scope, table: Pick<TableDefinition, 'sources' | 'unit'>): string {
  const { sources } = table
  const names = sources
    .toSorted()
    .map(
      (name) => `${name}=${blockCoverageOf(scope, name)}${otherPosition(columnsOf(scope.catalogue, name))}`,
    )
  return [...names, `source-gap-blocks=${gapOf(scope, table)}`, `rules=${RULES}`].join(' ')
}

function otherPosition({ position, network }: SourceColumns): string {
  const isUsual = position === XATU_COLUMNS.position && network === XATU_COLUMNS.network
  return isUsual ? '' : ` by ${position} of ${network ?? 'all'}`
}

/**
 * The blocks on which parts that came or went can have a bearing. What the probe finds in a block depends on rows at most
 * one window and the history of a sparse source away. Whether a source has any row at all matters everywhere.
 */
export function changedBlocks(
  before: readonly SourcePart[],
  now: readonly SourcePart[],
  { sources, sourceGapBlocks }: { readonly sources: readonly string[]; readonly sourceGapBlocks: number },
): BlockSet {
  const [had, has] = [before, now].map((parts) => new Set(parts.map(partText)))
  const changed = [
    ...before.filter((part) => !has!.has(partText(part))),
    ...now.filter((part) => !had!.has(partText(part))),
  ]
  const isSeen = (source: string) =>
    [before, now].every((parts) => parts.some((one) => one.source === source))
  if (changed.length > 0 && !sources.every(isSeen)) return [{ from: 0, to: Number.MAX_SAFE_INTEGER }]
  const reach = 2 * HISTORY_BLOCKS + 2 * sourceGapBlocks + 2000
  return blockSet(changed.map(({ from, to }) => ({ from: Math.max(0, from - reach), to: to + reach })))
}

function partText({ source, hash, rows, from, to }: SourcePart): string {
  return [source, hash, rows, from, to].join(' ')
}

/** What the last run found missing, and what cannot have changed since. */
export type Kept = NotRunnable & { readonly seconds: number }

/**
 * Of each table with sources of its own that misses blocks; none, where the data parts of the sources cannot be compared.
 * @throws BackfillError `server`
 */
export async function readKept(
  workspace: ReadWorkspace,
  tableStatuses: ReadonlyMap<string, TableStatus>,
  readParts: (sources: readonly string[]) => Promise<readonly SourcePart[] | undefined> = workspace.ports
    .source.parts,
): Promise<ReadonlyMap<string, Kept>> {
  const { ports } = workspace
  const tables = [...tableStatuses.values()].flatMap(({ table, missing }) =>
    missing.length > 0 && table.sources.length > 0 ? [table] : [],
  )
  if (tables.length === 0) return new Map()
  const rows = new Map((await ports.findings.read()).map((row) => [row.sources, row]))
  const known = tables.filter((table) => rows.has(sourcesText(workspace, table)))
  const sources = [...new Set(known.flatMap((table) => table.sources))]
  const parts = sources.length === 0 ? undefined : await readParts(sources)
  if (parts === undefined) return new Map()
  return new Map(
    known.map((table) => {
      const row = rows.get(sourcesText(workspace, table))!
      const now = parts.filter(({ source }) => table.sources.includes(source))
      const changed = changedBlocks(row.parts, now, {
        ...table,
        sourceGapBlocks: gapOf(workspace, table),
      })
      return [
        table.key,
        {
          seconds: row.seconds,
          sourceGaps: subtract(row.sourceGaps, changed),
          incomplete: subtract(row.incomplete, changed),
        },
      ]
    }),
  )
}

/** The probe, but what was kept is not looked at again. */
export async function withKept(
  workspace: ReadWorkspace,
  tableStatuses: ReadonlyMap<string, TableStatus>,
  probe: Probe,
): Promise<Probe> {
  const kept = await readKept(workspace, tableStatuses)
  const next: Probe['next'] = async (table, blocks, order, last) => {
    const { sourceGaps = [], incomplete = [] } = kept.get(table.key) ?? {}
    const there = intersect(blocks, union(sourceGaps, incomplete))
    return there.length > 0 ? there : await probe.next(table, blocks, order, last)
  }
  const probeBlocks = async (table: TableDefinition, blocks: BlockSet): Promise<Availability> => {
    const row = kept.get(table.key)
    if (row === undefined || subtract(blocks, union(row.sourceGaps, row.incomplete)).length > 0)
      return await probe(table, blocks)
    const sourceGaps = intersect(blocks, row.sourceGaps)
    const from = { blocks, ageMs: row.seconds * 1000 }
    return { ...NOTHING_FOUND, sourceGaps, incomplete: subtract(blocks, sourceGaps), kept: from }
  }
  return Object.assign(probeBlocks, { next })
}
