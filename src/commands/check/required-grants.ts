// Owns the list of rights that a run needs: docs/reference/permissions.md.
import { columnsOf } from '../../model/choose.ts'
import { probedColumns } from '../../sources/rows.ts'
import type { Need, NeedPlace } from '../../clickhouse/grants.ts'
import type { ServerRole } from '../../clickhouse/connection.ts'
import type { ServerCheck, ServerState } from './queries.ts'
import type { TableDefinition } from '../../model/model.ts'
import { ddlClauses } from '../../sql-syntax/ddl-clauses.ts'
import { ddlColumns } from '../../sql-syntax/create-table.ts'
import { significantTokens, unquoted } from '../../sql-syntax/lexer.ts'
import { listOf } from '../../terminal/render/format.ts'
import { tablesRead } from '../../sql-syntax/table-refs.ts'

export type PlacedNeed = Need & {
  readonly file: string
  readonly line: number
}

type Place = { readonly file: string; readonly line: number }

export function requiredGrantsOf(
  check: ServerCheck,
  { targets, databases }: ServerState,
): readonly PlacedNeed[] {
  const target = check.servers.target.connection.database
  return listOf(
    sourceGrants(check),
    !databases.target.has(target) && need('CREATE DATABASE', wholeOf(target), check.tables[0]!.ddl),
    check.tables.flatMap((table) => tableGrants(target, table, targets.has(table.target))),
    ledgerGrants(check, databases.target),
  )
}

/** The first line of a transform that reads the table. */
export function placeOfRead(
  tables: readonly TableDefinition[],
  name: string,
  side: ServerRole = 'source',
): Place {
  const { transform } = tables.find((table) => tablesRead(table.transform, side).has(name)) ?? tables[0]!
  return { file: transform.file, line: tablesRead(transform, side).get(name) ?? transform.line }
}

function sourceGrants({ servers, catalogue, tables }: ServerCheck): readonly PlacedNeed[] {
  return [...new Set(tables.flatMap(({ sources }) => sources))].map((source) => {
    const definition = catalogue.sources.find(({ table }) => table === source)
    const readers = tables.filter(({ sources }) => sources.includes(source))
    const mentioned = new Set(readers.flatMap(({ transform }) => significantTokens(transform).map(unquoted)))
    const probed = probedColumns(columnsOf(catalogue, source))
    // The grant may cover only these columns.
    const columns = (definition === undefined ? [] : ddlColumns(definition.ddl))
      .map(({ name }) => name)
      .filter((name) => mentioned.has(name) || probed.includes(name))
    const on: NeedPlace = {
      kind: 'table',
      database: servers.source.connection.database,
      table: source,
      columns,
    }
    return { side: 'source', privilege: 'SELECT', on, ...placeOfRead(tables, source) }
  })
}

function tableGrants(database: string, table: TableDefinition, exists: boolean): readonly PlacedNeed[] {
  const on: NeedPlace = { kind: 'table', database, table: table.target }
  const engine = ddlClauses(table.ddl).engine?.name
  return listOf(
    !exists && need('CREATE TABLE', on, table.ddl),
    !exists && engine !== undefined && engineNeed(engine, table.ddl),
    need('SELECT', on, table.ddl),
    need('INSERT', on, table.ddl),
    table.rows.kind === 'per-block' && need('ALTER DELETE', on, table.ddl),
  )
}

function ledgerGrants(
  { servers, catalogue, tables }: ServerCheck,
  existing: ReadonlySet<string>,
): readonly PlacedNeed[] {
  const at = catalogue.ledger[0] ?? tables[0]!.ddl
  const { ledger, locks } = servers.names
  const absent = [ledger, locks].filter((database) => !existing.has(database))
  return listOf(
    absent.map((database) => need('CREATE DATABASE', wholeOf(database), at)),
    absent.includes(ledger) && [need('CREATE TABLE', wholeOf(ledger), at), engineNeed('MergeTree', at)],
    need('SELECT', wholeOf(ledger), at),
    need('INSERT', wholeOf(ledger), at),
    need('CREATE TABLE', wholeOf(locks), at),
    engineNeed('Null', at),
    need('DROP TABLE', wholeOf(locks), at),
    need('ALTER MODIFY COMMENT', wholeOf(locks), at),
    need('SELECT', system('processes'), at),
    need('SELECT', system('mutations'), at),
  )
}

function system(table: string): NeedPlace {
  return { kind: 'table', database: 'system', table }
}

function wholeOf(database: string): NeedPlace {
  return { kind: 'database', database }
}

function engineNeed(engine: string, at: Place): PlacedNeed {
  return need('TABLE ENGINE', { kind: 'engine', engine }, at)
}

function need(privilege: string, on: NeedPlace, { file, line }: Place): PlacedNeed {
  return { side: 'target', privilege, on, file, line }
}
