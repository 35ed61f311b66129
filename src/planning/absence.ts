// Owns the states of absence: a table that has nothing to do, but whose rows, sources or history are not there.
import type { Bounds } from './bounds.ts'
import type { Range } from '../model/blocks.ts'
import type { LedgerView } from '../ledger/events.ts'
import type { TableDefinition } from '../model/model.ts'
import { quotedName } from '../sql-syntax/quoting.ts'
import type { TargetTable } from '../targets/target.ts'
import { lostParts, type OldestParts } from '../clickhouse/oldest-parts.ts'
import type { ReadWorkspace } from './run-options.ts'

/** The worst first. */
export type AbsenceState =
  /** The table has rows, and the ledger has no event of it. */
  | 'unknown rows'
  /** The table is empty although the ledger records written rows: TRUNCATE keeps the UUID, and so the coverage. */
  | 'emptied'
  /** The table has fewer rows than the ledger recorded of its done ranges, or, if it keeps a row per key, lacks data parts that it had. */
  | 'emptied in part'
  /** Blocks above the newest block of the sources are done. */
  | 'head went back'
  /** The sources have no row of the network. */
  | 'no source rows'
  /** The newest rows of the sources are older than the user tolerates. */
  | 'source too old'

/** `text`: a sentence for people, with the ways out. */
export type Absence = { readonly state: AbsenceState; readonly text: string }

type Ports = ReadWorkspace['ports']

/** What is known of a table before anything follows from it. */
export type TableFacts = {
  readonly table: TableDefinition
  readonly bounds: Bounds
  /** Undefined if the target table does not exist. */
  readonly target: TargetTable | undefined
  /** Its data parts, before the ledger was read; undefined if it is not watched. */
  readonly parts?: OldestParts | undefined
  readonly view: LedgerView | undefined
}

/** The states of absence of a table, the worst first. Asks the ledger and the table again only if something looks wrong. */
export async function absencesOf(
  { ports }: Pick<ReadWorkspace, 'ports'>,
  { table, bounds, target, parts, view }: TableFacts,
) {
  const name = [ports.target.database, table.target].map(quotedName).join('.')
  const islands = view?.islands ?? []
  const lastDone = islands.findLast(({ state }) => state === 'done')?.to
  const { newest, head } = bounds.inputs
  const mayBeEmptied =
    target?.rows === 0 && lastDone !== undefined && (await rowsNow(ports, table, target)) === 0
  const mayBeBack = !isImport(table) && lastDone !== undefined && newest !== undefined && lastDone > newest
  const { rowsWritten, lastDone: unforced } =
    target !== undefined && (mayBeEmptied || mayBeBack)
      ? await ports.ledger.written(table.key, target.uuid)
      : { rowsWritten: 0, lastDone: 0 }
  const lost = target === undefined ? undefined : await lostRows(ports, table, target, view)
  const found: Absence[] = []
  const add = (state: AbsenceState, text: string) => found.push({ state, text })
  if (target !== undefined && hasUnknownRows(table, target, view))
    add('unknown rows', await unknownRowsText(ports, table, target))
  const isEmptied = mayBeEmptied && rowsWritten > 0
  if (isEmptied && target.expires !== true) add('emptied', (await emptiedSentence(ports, table)).join(': '))
  if (lost !== undefined)
    add(
      'emptied in part',
      `${name} has ${lost.rows} rows, but the ledger recorded ${lost.recorded}: was a partition dropped, or were rows deleted? \`backfill verify --stored ${table.key}\` names the blocks`,
    )
  if (!mayBeEmptied && (await hasLostParts(ports, { table, target, parts, view })))
    add(
      'emptied in part',
      `${name} lacks data parts that it had: was a partition dropped, or was the table emptied and filled again? \`backfill rebuild ${table.key}\` builds it again; if no row is lost (a partition was detached and attached, or restored from a backup), \`backfill adopt ${table.key}\` compares some rows and takes the table as it is`,
    )
  // Blocks that --to has forced may lie above the newest block.
  if (mayBeBack && unforced > newest)
    add(
      'head went back',
      `blocks up to ${lastDone} are done, but the newest block of the sources is ${newest}: were they loaded again, or from another chain? \`backfill verify --sources\` finds the blocks whose rows have changed`,
    )
  if (head === undefined && bounds.note !== undefined && !isImport(table)) add('no source rows', bounds.note)
  /** `expired`: a TTL has taken all rows, which is as it should be, but nothing can be computed from the table. */
  return { absences: found as readonly Absence[], expired: isEmptied && target.expires === true }
}

export async function emptiedSentence(
  { target }: { readonly target: Pick<Ports['target'], 'database' | 'dropOf'> },
  table: Pick<TableDefinition, 'key' | 'target'>,
): Promise<readonly [sentence: string, hint: string]> {
  const name = [target.database, table.target].map(quotedName).join('.')
  return [
    `${name} is empty, but the ledger says that rows were written`,
    `was it truncated? Type ${await target.dropOf(table.target)}, then \`backfill up ${table.key}\` builds it again`,
  ]
}

/** Before merging, for no merge takes a row that FINAL shows. Rows of a lightweight DELETE count until their parts are merged. */
async function lostRows(ports: Ports, table: TableDefinition, target: TargetTable, view?: LedgerView) {
  const { rows: before, uuid } = target
  // Ranges that were built again count twice in the view.
  if (before === null || before === 0 || view === undefined || before >= view.digestRows) return undefined
  const recorded = await ports.ledger.recordedRows(table.key, uuid)
  const rows = before < recorded ? await rowsNow(ports, table, target) : undefined
  return rows === undefined || rows >= recorded ? undefined : { rows, recorded }
}

/** Whether rows of the table can be lost that no digest counts. Rows that a TTL takes are not lost. */
export function isWatched({ table, target }: Pick<TableFacts, 'table' | 'target'>): boolean {
  return table.rows.kind === 'per-key' && target?.fades === false
}

/** A run may have written both in between, or replaced the table: then it is looked at again. */
async function hasLostParts(
  { target: port }: Ports,
  { table, target, parts, view }: Omit<TableFacts, 'bounds'>,
): Promise<boolean> {
  const before = view?.oldestParts ?? []
  if (target === undefined || !isWatched({ table, target }) || !lostParts(before, parts)) return false
  const now = await port.oldestParts([table.target])
  const present = (await port.identities([table.target])).get(table.target)
  return lostParts(before, now.get(table.target)) && present?.uuid === target.uuid
}

/** Rows of the same table, after the ledger was read: a run may have written both in between. */
async function rowsNow({ target }: Ports, table: TableDefinition, { uuid }: TargetTable) {
  const now = (await target.identities([table.target])).get(table.target)
  return now?.uuid === uuid ? (now.rows ?? undefined) : undefined
}

export function absentText(source: string): string {
  return `${source} has no rows of this network, although the chain is busy: the blocks wait for it; if it has none for good, \`backfill accept\` marks them as expected`
}

export function thinText({ from, to, blocks }: Range & { readonly blocks: number }): string {
  return `${blocks} blocks between ${from} and ${to} have a row in no source, although the chain is busy: they run as blocks without rows`
}

export function hasLostRows(absences: readonly Absence[]): boolean {
  return absences.some(({ state }) => state === 'emptied in part')
}

/** Whether nothing can be built from the table until a person has acted: `up` does not touch it. */
export function isUnreadable({ absences }: { readonly absences: readonly Absence[] }): boolean {
  return absences.some(({ state }) => state.startsWith('emptied') || state === 'unknown rows')
}

/** Whether the table has rows that no event of the ledger explains. The tables of `import` are filled by others, too. */
export function hasUnknownRows(table: TableDefinition, target: TargetTable, view: LedgerView | undefined) {
  return !isImport(table) && (target.rows ?? 0) > 0 && view?.lastRun === undefined
}

function isImport({ rows }: TableDefinition): boolean {
  return rows.kind === 'per-block' && rows.deletedFirst === true
}

/** What is known about unknown rows, and the three ways out. */
async function unknownRowsText(
  ports: Ports,
  { key, target: name, rows }: TableDefinition,
  target: TargetTable,
) {
  const { ledger } = ports
  const { database } = ports.target
  const earlier = await ledger.earlier(key, target.uuid)
  const ways = [
    `\`backfill adopt ${key}\` compares a sample and records them as done`,
    ...(earlier === undefined
      ? []
      : [
          `\`backfill adopt ${key} --from-uuid ${earlier.uuid}\` takes over what the ledger knows of the earlier table, if these are its rows (last event ${earlier.at})`,
        ]),
    `\`backfill rebuild ${key}\` builds a new table beside this one`,
    ...(rows.kind === 'per-block'
      ? [`\`backfill up --recompute ${key}\` deletes what it can compute again, and computes it`]
      : []),
  ]
  return `${database}.${name} has ${target.rows} rows of which this ledger knows nothing, so it is not touched: ${ways.join('; ')}`
}
