// Owns what `backfill check` finds with a server: sources, transforms, tables that exist, grants. Nothing is written.
import { checkGrants } from './grants.ts'
import type { ServerCheck, ServerState } from './questions.ts'
import { checkExistingTable } from './existing-table.ts'
import { checkTransform } from './transform.ts'
import { BackfillError, fileError } from '../../model/errors.ts'
import type { TableDefinition } from '../../model/model.ts'
import { placeOfRead } from './required-grants.ts'
import { ddlColumns } from '../../sql-syntax/create-table.ts'
import { attempt, type Report } from '../../sql-syntax/problems.ts'

/** @throws BackfillError `server` when one is away */
export async function checkServer(check: ServerCheck, report: Report): Promise<void> {
  const { port, tables } = check
  if (tables.length === 0) return
  const tableStatus = await lookAround(check)
  const denied = await checkGrants(check, tableStatus, report)
  reportMissingSources(check, tableStatus, { denied, report })
  const types = await port.typeNames(tables.flatMap(columnTypes))
  const each = tables.flatMap((table) => [
    checkTransform({ ...check, table, tableStatus, types, denied }, report),
    checkExistingTable({ port, table, types, tableStatus: tableStatus.targets.get(table.target) }, report),
  ])
  await Promise.all(
    each.map((one) =>
      one.catch((error: unknown) => {
        if (!(error instanceof BackfillError)) throw error
        report(error)
      }),
    ),
  )
}

async function lookAround({ port, catalogue, tables }: ServerCheck): Promise<ServerState> {
  const inputs = catalogue.tables.filter(({ key }) => tables.some(({ after }) => after.includes(key)))
  const { source, target } = port.databases
  const [sources, targets, inSource, inTarget] = await Promise.all([
    port.tables('source', sourcesOf(tables)),
    port.tables(
      'target',
      [...tables, ...inputs].map((table) => table.target),
    ),
    port.existing('source', [source]),
    port.existing('target', [target, port.ledger.ledger, port.ledger.locks]),
  ])
  return { sources, targets, databases: { source: inSource, target: inTarget } }
}

type Missing = { readonly denied: ReadonlySet<string>; readonly report: Report }

/** One finding for each source, wherever it is read; one for all where their database is missing. */
function reportMissingSources(
  { port, tables }: ServerCheck,
  { sources, databases }: ServerState,
  { denied, report }: Missing,
): void {
  const database = port.databases.source
  const missing = sourcesOf(tables).filter((source) => !sources.has(source) && !denied.has(source))
  const [first] = missing
  if (first === undefined) return
  if (!databases.source.has(database)) {
    const sentence = `the source database '${database}' does not exist`
    report(fileError({ rule: 'E062', ...placeOfRead(tables, first), sentence, hint: WHERE }))
    return
  }
  for (const source of missing) {
    const sentence = `the source table ${database}.${source} does not exist`
    report(fileError({ rule: 'E062', ...placeOfRead(tables, source), sentence, hint: WHERE }))
  }
}

const WHERE =
  'set SOURCE_CLICKHOUSE_DATABASE to the database of the source tables (backfill info shows it), or mend the file'

function sourcesOf(tables: readonly TableDefinition[]): readonly string[] {
  return [...new Set(tables.flatMap((table) => table.sources))]
}

function columnTypes({ ddl }: TableDefinition): readonly string[] {
  const columns =
    attempt(
      () => {},
      () => ddlColumns(ddl),
    ) ?? []
  return columns.flatMap(({ type }) => (type === '' ? [] : [type]))
}
