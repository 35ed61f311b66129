// Owns `backfill list`: the tables of the SQL folders, and their files. It asks no server, but for --orphans.
import { findNetwork } from '../../model/choose.ts'
import { EXIT } from '../../model/errors.ts'
import { oneOf, readFlag, selectors } from '../../workspace/values.ts'
import type { Command, Context } from '../../session/session.ts'
import type { BlockLimit, TableDefinition } from '../../model/model.ts'
import { count, type Colors, listOf } from '../../terminal/render/format.ts'

export const list: Command = async (context) => {
  const { config, flags, output } = context
  const { chooseTables, readCatalogue } = await import('../../project/sql-folder.ts')
  const catalogue = await readCatalogue(...config.sql.value)
  // A folder need not have the default one.
  if (!config.network.origin.startsWith('default')) findNetwork(catalogue, config.network.value)
  const tables = chooseTables(catalogue, selectors(flags))
  const format = readFlag(flags, 'format', oneOf(FORMATS)) ?? 'text'
  if (flags.has('orphans')) {
    const orphans = await readOrphans(context, catalogue.tables)
    output.answer({ orphans }, renderOrphans(orphans, config.ledgerDatabase.value))
  } else if (format === 'text')
    output.answer({ tables: tables.map(listFields) }, renderList(tables, output.resultColors))
  else {
    const { renderGraph } = await import('./graph.ts')
    output.result(renderGraph[format](catalogue, tables))
  }
  return EXIT.ok
}

const FORMATS = ['text', 'tree', 'mermaid', 'dot'] as const

export function renderList(tables: readonly TableDefinition[], colors: Colors): readonly string[] {
  return tables.flatMap((table, index) => [
    ...(index === 0 ? [] : ['']),
    `${colors.bold(table.key)}  ${colors.dim(`table ${table.target}`)}`,
    `  ${table.description}`,
    colors.dim(`  ${facts(table).join('; ')}`),
    colors.dim(`  ${table.ddl.file}, ${table.transform.file}`),
  ])
}

/** `table`: its key; `target`: the database and name of its latest table, null if that is gone; times are of the ledger. */
type Orphan = {
  readonly table: string
  readonly target: string | null
  readonly events: number
  readonly last_event: string
}

/** The network's tables in the ledger that are not `known`; none without a ledger. @throws BackfillError `server` */
async function readOrphans(context: Context, known: readonly TableDefinition[]): Promise<readonly Orphan[]> {
  const { askLedger } = await import('../../ledger/ask.ts')
  const { withTarget } = await import('../../session/session.ts')
  const { openTarget } = await import('../../targets/target.ts')
  return await withTarget(context, async (place) => {
    if ((await openTarget(place).ledgerState()) === 'absent') return []
    return await askLedger<Orphan>(place, 'log/orphans', { known: known.map(({ key }) => key) })
  })
}

function renderOrphans(orphans: readonly Orphan[], ledger: string): readonly string[] {
  if (orphans.length === 0) return [`Every table of the ledger ${ledger} is in the SQL folders.`]
  return orphans.map(({ table, target, events, last_event }) => {
    const place = target === null ? 'its table is gone' : `table ${target}`
    return `${table}  ${place}; ${count(events, 'event')}, the last at ${last_event}`
  })
}

export function listFields(table: TableDefinition): object {
  const { key, target, description, unit, rows, blocks, sources, after, ddl, transform } = table
  const { lookups = [], tags = [], audits = [] } = table
  const [first, last] = [blocks.from, blocks.to].map((limit) => limitText(limit) || null)
  const files = [ddl.file, transform.file, ...audits.map(({ file }) => file)]
  const reads = { sources, after, lookups }
  return { table: key, target, description, unit, rows: rows.kind, first, last, ...reads, tags, files }
}

function facts({ rows, blocks, sources, after, tags = [], audits = [] }: TableDefinition): readonly string[] {
  const { from, to } = blocks
  return listOf(
    rows.kind === 'per-block' ? 'rows per block' : `rows per key, ${rows.keep} ${rows.column}`,
    (from ?? to) === undefined ? 'all blocks' : `blocks ${limitText(from)}..${limitText(to)}`,
    sources.length > 0 && `reads ${count(sources.length, 'source table')}`,
    after.length > 0 && `after ${after.join(', ')}`,
    tags.length > 0 && `tags ${tags.join(', ')}`,
    audits.length > 0 && count(audits.length, 'audit'),
  )
}

/** As the header writes it: `dencun-1`. */
function limitText(limit: BlockLimit | undefined): string {
  if (limit === undefined) return ''
  const { fork, offset, time } = limit
  if (fork === undefined) return time ?? String(offset)
  return offset === 0 ? fork : `${fork}${offset > 0 ? '+' : ''}${offset}`
}
