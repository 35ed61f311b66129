// Owns the status of tables: expected and done blocks, and whether the target exists.
import type { IslandState } from '../clickhouse/schema.ts'
import { inUnit, type PerUnit, type TableDefinition } from '../model/model.ts'
import type { InputTable } from '../ledger/built-from.ts'
import type { LedgerView, Position } from '../ledger/events.ts'
import { highestPosition } from './highest-position.ts'
import type { LedgerState, TargetTable } from '../targets/target.ts'
import { type Bounds, expectedByDependants, resolveLimits, tableBounds } from './bounds.ts'
import { withStale } from './stale-ranges.ts'
import type { StaleVersion } from '../ledger/stale.ts'
import { type Absence, absencesOf, hasLostRows, type TableFacts } from './absence.ts'
import { type BlockSet, blockSet, subtract, union } from '../model/blocks.ts'
import type { ReadWorkspace } from './run-options.ts'
import {
  blockCoverageOf,
  derivedInputs,
  freshnessOf,
  readsHistory,
  withDependencies,
} from '../model/choose.ts'

export type TableStatus = TableFacts & {
  /** Done or accepted. */
  readonly covered: BlockSet
  readonly dirty: BlockSet
  /** Expected and not covered; includes dirty ranges. */
  readonly missing: BlockSet
  readonly emptied: boolean
  /** A TTL has taken all its rows. */
  readonly expired: boolean
  /** Its inputs that were emptied so, or have lost rows, and which of it: its blocks wait until these are built again. */
  readonly lackingInputs: readonly string[]
  /** Done ranges that would be computed differently now. */
  readonly stale: readonly StaleVersion[]
  /** Its sources that have rows of impossible blocks. */
  readonly strays: readonly { readonly source: string; readonly above: number }[]
  /** The worst first. */
  readonly absences: readonly Absence[]
}

type StatusOptions = {
  readonly lag: PerUnit
  /** Raises the head (`--to`). */
  readonly forcedHead?: number | undefined
  /** What is on the target server, where the caller has just asked. */
  readonly present?:
    | { readonly targets: ReadonlyMap<string, TargetTable>; readonly ledger: LedgerState }
    | undefined
}

/** Of the chosen tables and all their inputs, in dependency order, by key. */
export async function readTableStatuses(
  workspace: ReadWorkspace,
  { lag, forcedHead, present }: StatusOptions,
): Promise<ReadonlyMap<string, TableStatus>> {
  const tables = withDependencies(workspace)
  const { ports } = workspace
  const sources = [...new Set(tables.flatMap((table) => table.sources))]
  const watched = tables.filter(({ rows }) => rows.kind === 'per-key').map(({ target }) => target)
  const [extents, ready, targets, ledger, parts] = await Promise.all([
    ports.source.extents(sources, (source) => highestPosition(tables, source)),
    ports.source.readiness(workspace.catalogue.sources.filter(({ table }) => sources.includes(table))),
    present?.targets ?? ports.target.tables(tables.map((table) => table.target)),
    present?.ledger ?? ports.target.ledgerState(),
    ports.target.oldestParts(watched),
  ])
  const views =
    ledger !== 'absent' ? await ports.ledger.fold(uuidsOf(tables, targets)) : new Map<string, LedgerView>()

  const known = new Map<string, TableFacts>()
  for (const table of tables) {
    const bounds = tableBounds({
      sources: table.sources.map((name) => ({
        table: name,
        blockCoverage: blockCoverageOf(workspace, name),
        extent: extents.get(name),
        lag: workspace.catalogue.sources.find((one) => one.table === name)?.lag,
        ready: ready.get(name),
      })),
      after: table.after.map((key) => known.get(key)!.bounds),
      limits: resolveLimits(table.blocks, workspace.network.forks),
      lag: inUnit(lag, table.unit) ?? 0,
      forcedHead,
    })
    const { key, target: name } = table
    const there = { target: targets.get(name), parts: parts.get(name), view: views.get(key) }
    known.set(key, { table, bounds, ...there })
  }
  // Where something looks wrong, each table is asked again: all at once, for a fresh chain makes many tables look empty.
  const absent = new Map(
    await Promise.all(
      [...known].map(async ([key, facts]) => [key, await absencesOf(workspace, facts)] as const),
    ),
  )
  const facts = new Map<string, Omit<TableStatus, 'stale'>>()
  for (const [key, { table, bounds, target, view }] of known) {
    const { absences, expired } = absent.get(key)!
    const emptied = absences.some(({ state }) => state === 'emptied')
    const lackingInputs = table.after
      .map((input) => facts.get(input)!)
      .filter((input) => input.emptied || input.expired || hasLostRows(input.absences))
      .map((input) => `${input.table.target}, which ${input.target?.rows === 0 ? 'is empty' : 'lacks rows'}`)
    const strays = table.sources.flatMap((name) => {
      const above = extents.get(name)?.stray
      return above === undefined ? [] : [{ source: name, above }]
    })
    const found = { emptied, expired, lackingInputs, strays, absences }
    facts.set(key, { table, bounds, target, view, ...coverageOf(bounds, view), ...found })
  }
  return await withStale(workspace, facts)
}

/** A position below 0 is read as an unsigned number, so the two cannot be told apart. */
export function strayTexts({ strays }: Pick<TableStatus, 'strays'>): readonly string[] {
  return strays.map(
    ({ source, above }) =>
      `${source} has rows at positions below 0 or above ${above}: they are taken for mistakes and left out`,
  )
}

/** Sentences for people about what a table lacks, each once. */
export function notesOf(tableStatus: TableStatus) {
  const { table, bounds, absences } = tableStatus
  const problem = tableStatus.target?.problem
  const notes = [
    bounds.note,
    bounds.unready,
    bounds.slow,
    ...absences.map(({ text }) => text),
    ...strayTexts(tableStatus),
    lackingInputsNote(tableStatus),
    problem && `${table.target} ${problem.sentence}; ${problem.hint}`,
  ]
  return [...new Set(notes.filter((note) => note !== undefined))]
}

export function lackingInputsNote({ lackingInputs }: Pick<TableStatus, 'lackingInputs'>): string | undefined {
  return lackingInputs.length === 0 ? undefined : `its blocks wait for ${lackingInputs.join(' and ')}`
}

export function coverageOf(bounds: Bounds, view: LedgerView | undefined) {
  const covered = blocksIn(view, 'done', 'accepted')
  const missing = subtract(bounds.expected === undefined ? [] : [bounds.expected], covered)
  return { covered, dirty: blocksIn(view, 'dirty', 'invalidated'), missing }
}

export function blocksIn(view: LedgerView | undefined, ...states: readonly IslandState[]): BlockSet {
  return blockSet((view?.islands ?? []).filter(({ state }) => states.includes(state)))
}

export function targetsOf(tableStatuses: ReadonlyMap<string, TableStatus>): ReadonlyMap<string, TargetTable> {
  return new Map(
    [...tableStatuses.values()].flatMap(({ table, target }) =>
      target ? [[table.target, target] as const] : [],
    ),
  )
}

/** Table key -> UUID of the targets that exist. */
export function uuidsIn(tableStatuses: ReadonlyMap<string, TableStatus>): ReadonlyMap<string, string> {
  return new Map([...tableStatuses].flatMap(([key, { target }]) => (target ? [[key, target.uuid]] : [])))
}

/** A derived table that a table reads, as far as a run needs it. */
export type TableInput = InputTable & {
  readonly target: string
  /** Its last event when it was read which blocks it holds. */
  readonly known?: Position | undefined
  /** In active parts, when the run began; null if its engine does not say. */
  readonly rows: number | null
  /** The blocks that it should hold, and those that it holds outside of its limits of today: their rows are read, too. */
  readonly blocks: BlockSet
}

/** The tables in `after` that exist. */
export function inputsOf(
  dependant: TableDefinition,
  tableStatuses: ReadonlyMap<string, Pick<TableStatus, 'table' | 'bounds' | 'target' | 'view' | 'covered'>>,
): readonly TableInput[] {
  return derivedInputs(dependant).flatMap((key) => {
    const { table, bounds, target, view, covered } = tableStatuses.get(key)!
    if (target === undefined) return []
    const own = key === dependant.key
    const expected = expectedByDependants(bounds)
    return [
      {
        key,
        uuid: target.uuid,
        perKey: own || readsHistory(dependant, table),
        ...(own && { own }),
        target: table.target,
        known: view?.position ?? [0, 0],
        rows: target.rows,
        blocks: union(covered, expected === undefined ? [] : [expected]),
      },
    ]
  })
}

export function uuidsOf(
  tables: readonly Pick<TableDefinition, 'key' | 'target'>[],
  targets: ReadonlyMap<string, TargetTable>,
): ReadonlyMap<string, string> {
  return new Map(
    tables.flatMap(({ key, target }) => (targets.has(target) ? [[key, targets.get(target)!.uuid]] : [])),
  )
}

export type Known = {
  readonly targets: ReadonlyMap<string, TargetTable>
  /** Table key -> UUID; empty if there is no ledger: then no block is done. */
  readonly uuids: ReadonlyMap<string, string>
}

/** @throws BackfillError `server`; `usage` if the tables are another network's */
export async function readKnown(workspace: ReadWorkspace): Promise<Known> {
  const tables = withDependencies(workspace)
  const { target } = workspace.ports
  const [targets, ledger] = await Promise.all([
    target.tables(tables.map((table) => table.target)),
    target.ledgerState(),
  ])
  if (ledger === 'absent') return { targets, uuids: new Map() }
  const uuids = uuidsOf(tables, targets)
  await workspace.ports.ledger.assertOwnNetwork(uuids)
  return { targets, uuids }
}

/** Seconds since its last chunk beyond what it, or a table that it reads, promises; 0 without a promise or a chunk. */
export function overdueSeconds(
  { table, view }: Pick<TableStatus, 'table' | 'view'>,
  tables: readonly TableDefinition[],
  now: Date,
): number {
  const promised = freshnessOf({ tables }, table)
  if (promised === undefined || view?.lastRun === undefined) return 0
  return Math.max(0, (now.getTime() - Date.parse(view.lastRun)) / 1000 - promised)
}
