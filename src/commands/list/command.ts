// Owns `backfill list`: the tables of the SQL folders, and their files. It asks no server, but for --orphans.
import { EXIT } from '../../model/errors.ts'
import type { Orphan } from './orphans.ts'
import type { Command } from '../../session/command.ts'
import type { BlockLimit, BlockLimits, RowsKind, TableDefinition } from '../../model/model.ts'
import { count, type Colors } from '../../terminal/render/format.ts'

export const list: Command = async (context) => {
  const { config, flags, output } = context
  const { readCatalogue } = await import('../../project/sql-folder.ts')
  const { tables } = await readCatalogue(...config.sql.value)
  if (flags.has('orphans')) {
    const { readOrphans } = await import('./orphans.ts')
    const orphans = await readOrphans(context, tables)
    if (flags.has('json')) output.json({ orphans })
    else output.result(renderOrphans(orphans, config.ledgerDatabase.value))
    return EXIT.ok
  }
  if (flags.has('json')) output.json({ tables: tables.map(listFields) })
  else output.result(renderList(tables, output.resultColors))
  return EXIT.ok
}

export function renderList(tables: readonly TableDefinition[], colors: Colors): readonly string[] {
  return tables.flatMap((table, index) => [
    ...(index === 0 ? [] : ['']),
    `${colors.bold(table.key)}  ${colors.dim(`table ${table.target}`)}`,
    `  ${table.description}`,
    colors.dim(`  ${facts(table).join('; ')}`),
    colors.dim(`  ${table.ddl.file}, ${table.transform.file}`),
  ])
}

function renderOrphans(orphans: readonly Orphan[], ledger: string): readonly string[] {
  if (orphans.length === 0) return [`Every table of the ledger ${ledger} is in the SQL folders.`]
  return orphans.map(({ table, target, events, last_event }) => {
    const place = target === null ? 'its table is gone' : `table ${target}`
    return `${table}  ${place}; ${count(events, 'event')}, the last at ${last_event}`
  })
}

export function listFields({
  key,
  target,
  description,
  unit,
  rows,
  blocks,
  sources,
  after,
  ddl,
  transform,
}: TableDefinition): object {
  const [first, last] = [blocks.from, blocks.to].map((limit) => limitText(limit) || null)
  return {
    table: key,
    target,
    description,
    unit,
    rows: rows.kind,
    first,
    last,
    sources,
    after,
    files: [ddl.file, transform.file],
  }
}

function facts({ rows, blocks, sources, after }: TableDefinition): readonly string[] {
  return [
    rowsText(rows),
    blocksText(blocks),
    ...(sources.length > 0 ? [`reads ${count(sources.length, 'source table')}`] : []),
    ...(after.length > 0 ? [`after ${after.join(', ')}`] : []),
  ]
}

function rowsText(rows: RowsKind): string {
  return rows.kind === 'per-block' ? 'rows per block' : `rows per key, ${rows.keep} ${rows.column}`
}

function blocksText({ from, to }: BlockLimits): string {
  return from === undefined && to === undefined ? 'all blocks' : `blocks ${limitText(from)}..${limitText(to)}`
}

/** As the header writes it: `dencun-1`. */
function limitText(limit: BlockLimit | undefined): string {
  if (limit === undefined) return ''
  const { fork, offset } = limit
  if (fork === undefined) return String(offset)
  return offset === 0 ? fork : `${fork}${offset > 0 ? '+' : ''}${offset}`
}
