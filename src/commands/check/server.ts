// Owns what `backfill check` finds with a server: sources, transforms, tables that exist, grants. Nothing is written.
import { checkGrants } from './grants.ts'
import { existingDatabases, type ServerCheck, type ServerState } from './queries.ts'
import { checkExistingTable } from './existing-table.ts'
import { checkTransform } from './transform.ts'
import { BackfillError, fileError } from '../../model/errors.ts'
import type { TableDefinition } from '../../model/model.ts'
import { placeOfRead } from './required-grants.ts'
import { ddlColumns } from '../../sql-syntax/create-table.ts'
import { existingTables } from '../../clickhouse/existing-tables.ts'
import { typeNames } from '../../clickhouse/type-names.ts'
import { attempt, type Report } from '../../sql-syntax/problems.ts'

/** @throws BackfillError `server` when one is away */
export async function checkServer(check: ServerCheck, report: Report): Promise<void> {
  const { servers, tables } = check
  const { target } = servers
  if (tables.length === 0) return
  const surroundings = await lookAround(check)
  const denied = await checkGrants(check, surroundings, report)
  reportMissingSources(check, surroundings, { denied, report })
  const types = await typeNames(target, tables.flatMap(columnTypes))
  const each = tables.flatMap((table) => [
    checkTransform({ ...check, table, surroundings, types, denied }, report),
    checkExistingTable(
      { target, table, first: tables[0]!.ddl, types, existing: surroundings.targets.get(table.target) },
      report,
    ),
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

async function lookAround({ servers, catalogue, tables }: ServerCheck): Promise<ServerState> {
  const inputs = catalogue.tables.filter(({ key }) => tables.some(({ after }) => after.includes(key)))
  const { source, target, names } = servers
  const [sources, targets, inSource, inTarget] = await Promise.all([
    existingTables(source, sourcesOf(tables)),
    existingTables(
      target,
      [...tables, ...inputs].map((table) => table.target),
    ),
    existingDatabases(source, [source.connection.database]),
    existingDatabases(target, [target.connection.database, names.ledger, names.locks]),
  ])
  return { sources, targets, databases: { source: inSource, target: inTarget } }
}

type Missing = { readonly denied: ReadonlySet<string>; readonly report: Report }

/** One finding for each source, wherever it is read; one for all where their database is missing. */
function reportMissingSources(
  { servers, tables }: ServerCheck,
  { sources, databases }: ServerState,
  { denied, report }: Missing,
): void {
  const { database } = servers.source.connection
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
  'set SOURCE_CLICKHOUSE_DATABASE to the database of the source tables (backfill info shows it), or fix the file'

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
