// Owns what `try` does: which tables an edit concerns, for which ranges they are built aside, and how they differ.
import { isPosition, type PerUnit, type TableDefinition } from '../../model/model.ts'
import { existingTables } from '../../clickhouse/existing-tables.ts'
import { type BlockSet, blockSet, countBlocks, intersect, type Range } from '../../model/blocks.ts'
import { chooseTables } from '../../model/choose.ts'
import { usageError } from '../../model/errors.ts'
import { blocksIn, readTableStatuses, type TableStatus } from '../../planning/table-status.ts'
import { type DdlColumn, ddlColumns } from '../../sql-syntax/create-table.ts'
import type { TargetPort } from '../../targets/target.ts'
import { ddlClauses } from '../../sql-syntax/ddl-clauses.ts'
import { significantTokens, type Token } from '../../sql-syntax/lexer.ts'
import { columnsIn } from '../../sql-syntax/named-columns.ts'
import { selectAround, tableReads } from '../../sql-syntax/table-refs.ts'
import type { Session } from '../../workspace/open.ts'
import { openStream } from '../../clickhouse/stream/stream.ts'
import { readerOf } from '../../targets/transform.ts'
import { compareTable } from './compare.ts'
import { buildTable, type Cost, linkTable, withScratch } from './scratch.ts'

export type TryQuestion = {
  /** Keys; empty: the tables whose SQL differs from that of their stored rows, or whose columns differ from their DDL. */
  readonly tables: readonly string[]
  /** Without an edit there is nothing to say, and that is no mistake: of a pull request that touches no table. */
  readonly mayBeNone: boolean
  readonly range: Range | undefined
  readonly sample: number
  readonly lag: PerUnit
}

export type TryReport = Awaited<ReturnType<typeof tryEdit>>
/** A table as it would be. */
export type Tried = TryReport['tables'][number]

/** Most blocks of a range of the sample. */
const PIECE = 1_000

/** Writes nothing but its scratch database. @throws BackfillError `usage` if there is nothing to try; `failed`, `server` */
export async function tryEdit(
  { workspace, connected, compression }: Session,
  { tables, mayBeNone, range, sample, lag }: TryQuestion,
  signal: AbortSignal,
) {
  const { source, target } = connected
  const { catalogue, network } = workspace
  if (target.cluster !== undefined)
    throw usageError(
      '`try` makes its scratch database on one server, and the target is a cluster',
      `backfill preview ${tables[0] ?? '<table>'} --from N --to N shows the rows of an edited table`,
    )
  const all = await readTableStatuses({ ...workspace, chosen: catalogue.tables }, { lag })
  const asked = [...all].map(async ([key, status]) =>
    isEdited(status) || (await hasOtherColumns(workspace.ports.target, status)) ? [key] : [],
  )
  const edited = tables.length > 0 ? tables : (await Promise.all(asked)).flat()
  if (edited.length === 0 && mayBeNone) return NOTHING
  if (edited.length === 0)
    throw usageError(
      'no table is edited: all stored rows are of the SQL in the files, and all columns of the DDL',
      'name a table: backfill try <table>',
    )
  const withReaders = edited.map((key) => `${key}+`)
  const concerned = chooseTables(catalogue, withReaders)
  const left = leftOut(concerned, all)
  const built = concerned.filter(({ key }) => !left.some(({ table }) => table === key))
  if (built.length === 0)
    throw usageError(
      `nothing can be tried: ${left.map(({ table, why }) => `${table}: ${why}`).join('; ')}`,
      '`backfill preview` shows the rows of a table',
    )
  // Refused before anything is made.
  for (const table of built) readerOf({ source, target }, table)
  const statuses = built.map(({ key }) => all.get(key)!)
  const blocks = chosenBlocks(statuses, { range, sample })

  return await withScratch(target, async (scratch) => {
    const inputs = built.flatMap(({ after }) => catalogue.tables.filter(({ key }) => after.includes(key)))
    for (const input of new Set(inputs))
      if (!built.includes(input)) await linkTable(target, scratch, input.target)
    const stream = openStream(source, target, compression)
    const build = { source, target, stream, scratch, network, ranges: blocks }
    const costs = new Map<string, Cost>()
    for (const table of built) costs.set(table.key, await buildTable(table, build, signal))
    const names = built.map((table) => table.target)
    const aside = { ...target, connection: { ...target.connection, database: scratch } }
    const [now, old] = await Promise.all([existingTables(aside, names), existingTables(target, names)])
    const tried = []
    for (const table of built) {
      const { key } = table
      const sides = { now: now.get(table.target)!, old: old.get(table.target)!, ranges: blocks }
      const cost = costs.get(key)!
      const factor = countBlocks(blocksIn(all.get(key)!.view, 'done')) / countBlocks(blocks)
      const [rows, bytes] = [cost.rows, cost.bytes].map((value) => Math.round(value * factor))
      /** What all of its done blocks would cost, from the sample. */
      const whole = { elapsedMs: cost.elapsedMs * factor, rows: rows!, bytes: bytes! }
      const difference = await compareTable(target, scratch, table, sides)
      tried.push({ table: key, edited: edited.includes(key), ...difference, cost, whole })
    }
    return { blocks, tables: tried, left }
  })
}

const NOTHING = { blocks: [] as BlockSet, tables: [], left: [] }

/** Other columns in the file than in the table; what else a DDL says is not in a row. */
async function hasOtherColumns(port: TargetPort, { table, target }: TableStatus): Promise<boolean> {
  if (target === undefined) return false
  const present = shape(target.columns)
  return shape(ddlColumns(table.ddl)) !== present && shape(await port.ddlColumns(table)) !== present
}

function shape(columns: readonly DdlColumn[]): string {
  return columns
    .map(({ name, type }) => `${name} ${type}`)
    .toSorted()
    .join()
}

const isEdited = ({ stale }: TableStatus) => stale.some(({ reasons }) => reasons.includes('sql'))

/** What cannot be judged from some ranges, with all that reads it. */
function leftOut(
  concerned: readonly TableDefinition[],
  all: ReadonlyMap<string, TableStatus>,
): readonly { readonly table: string; readonly why: string }[] {
  const left = new Map<string, string>()
  const targets = new Map(concerned.map(({ key, target }) => [target, key]))
  for (const { key, after, rows, transform, ddl, position, sequential, history = [] } of concerned) {
    const tokens = significantTokens(transform)
    const concernedReads = tableReads(transform).filter(
      ({ parameter, table }) => parameter === 'target' && targets.has(table),
    )
    const whole = concernedReads.find(({ from }) => !boundsIn(selectAround(tokens, from)).length)
    const reaching = concernedReads.find(({ from }) => boundsIn(selectAround(tokens, from)).includes('-'))
    const before = after.find((input) => left.has(input))
    const earlier = history.find((input) => concerned.some((table) => table.key === input))
    const stored = all.get(key)?.target?.columns.map(({ name }) => name)
    if (stored === undefined) left.set(key, 'it has no table yet; `backfill preview` shows its rows')
    // A Buffer, or a KeeperMap, keeps its rows in another place than its database.
    else if (!/mergetree$/i.test(ddlClauses(ddl).engine?.name ?? ''))
      left.set(key, 'its engine may write elsewhere than into the scratch database')
    else if (rows.kind === 'per-key' && !isPosition(rows.column, position))
      left.set(key, 'it keeps rows by another column than its position')
    else if (sequential === 'itself')
      left.set(key, 'each of its ranges reads its own rows of all blocks before')
    else if (earlier !== undefined) left.set(key, `it reads ${earlier} from its first block on`)
    else if (whole !== undefined)
      left.set(key, `it reads ${targets.get(whole.table)} from its first block on`)
    else if (reaching !== undefined) left.set(key, `it reads ${targets.get(reaching.table)} before its range`)
    else if (!columnsIn(position).some((name) => stored.includes(name)))
      left.set(key, `its stored rows have no ${position}; \`backfill preview\` shows the new ones`)
    else if (before !== undefined) left.set(key, `it reads ${before}`)
  }
  return [...left].map(([table, why]) => ({ table, why }))
}

/** What follows each mention of the range's start: `-` where a read begins before it. */
function boundsIn(tokens: readonly Token[]): readonly string[] {
  return tokens.flatMap(({ text }, at) => {
    const isStart = tokens[at - 1]?.text === '{' && (text === 'from_block' || text === 'from')
    return isStart ? [tokens[tokens.findIndex((one, i) => i > at && one.text === '}') + 1]?.text ?? ''] : []
  })
}

/** Blocks that all of these tables have: the given ones, or ranges that are spread evenly over them. */
function chosenBlocks(
  statuses: readonly TableStatus[],
  { range, sample }: Pick<TryQuestion, 'range' | 'sample'>,
): BlockSet {
  const done = statuses
    .map(({ view }) => blocksIn(view, 'done'))
    .reduce<BlockSet | undefined>((both, one) => (both === undefined ? one : intersect(both, one)), undefined)
  const common = range === undefined ? (done ?? []) : intersect(done ?? [], [range])
  const total = countBlocks(common)
  if (total === 0)
    throw usageError(
      'there are no blocks to compare: the tables have none of them done together',
      '`backfill status` shows what is done',
    )
  if (range !== undefined) return common
  const size = Math.min(PIECE, Math.ceil(total / sample))
  const pieces: Range[] = []
  let passed = 0
  for (const { from, to } of common) {
    // The first block of a piece every total / sample blocks.
    while (passed + (to - from + 1) > (pieces.length * total) / sample) {
      const start = from + Math.max(0, Math.floor((pieces.length * total) / sample) - passed)
      pieces.push({ from: start, to: Math.min(to, start + size - 1) })
    }
    passed += to - from + 1
  }
  return blockSet(pieces)
}
