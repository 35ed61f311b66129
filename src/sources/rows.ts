// Owns how the rows of a source are read: with the position, the network and the time of writing that its file names.
import { type Kysely, type RawBuilder, type SelectQueryBuilder, sql } from 'kysely'
import type { Range } from '../model/blocks.ts'
import { type SourceColumns, XATU_COLUMNS } from '../model/model.ts'
import type { Schema } from '../clickhouse/schema.ts'
import type { Server } from '../clickhouse/server.ts'
import { columnsIn } from '../sql-syntax/named-columns.ts'
import { quoteIdentifier, quoteString } from '../sql-syntax/quoting.ts'

export type SourcePlace = {
  readonly server: Server
  readonly network: string
  readonly columnsOf: (source: string) => SourceColumns
}

type SourceRow = { block_number: number; updated_date_time: string }

export type SourceRows = SelectQueryBuilder<{ rows: SourceRow }, 'rows', object>

/** The rows of a source; `block_number` is their position, whatever the table calls it. `during`: for errors. */
export function rowsOf({ server, network, columnsOf }: SourcePlace, source: string, during: Kysely<Schema>) {
  const { database } = server.connection
  const columns = columnsOf(source)
  const from = isUsual(columns)
    ? sql<SourceRow>`${sql.id(database, source)}`
    : sql<SourceRow>`(${rowsText(`${quoteIdentifier(database)}.${quoteIdentifier(source)}`, columns, network)})`
  const rows = during.selectFrom(from.as('rows')) as unknown as SourceRows
  return isUsual(columns) ? rows.where(sql<boolean>`${sql.ref('meta_network_name')} = ${network}`) : rows
}

export function rowsIn(place: SourcePlace, source: string, range: Range, during: Kysely<Schema>): SourceRows {
  return rowsOf(place, source, during)
    .where('block_number', '>=', range.from)
    .where('block_number', '<=', range.to)
}

function isUsual(columns: SourceColumns): boolean {
  return Object.entries(XATU_COLUMNS).every(([key, name]) => columns[key as keyof SourceColumns] === name)
}

function rowsText(table: string, columns: SourceColumns, network: string): RawBuilder<unknown> {
  const { position, written } = columns
  return sql.raw(`SELECT toUInt64(${position}) AS block_number,
    ${written === undefined ? 'toDateTime(0)' : quoteIdentifier(written)} AS updated_date_time
    FROM ${table}${whereNetwork(columns, network)}`)
}

/** ` WHERE …` for the rows of the network; empty for a source that holds no other. */
export function whereNetwork({ network: column }: SourceColumns, network: string): string {
  return column === undefined ? '' : ` WHERE ${quoteIdentifier(column)} = ${quoteString(network)}`
}

export function probedColumns({ network, position, written }: SourceColumns): readonly string[] {
  return [
    ...(network === undefined ? [] : [network]),
    ...columnsIn(position),
    ...(written === undefined ? [] : [written]),
  ]
}
