// Owns the ports for derived tables: existence, columns, creation, deletion, description.
import type { Lock } from '../lock/lock.ts'
import type { Range } from '../model/blocks.ts'
import type { SqlText, TableDefinition } from '../model/model.ts'
import type { DdlColumn } from '../sql-syntax/create-table.ts'

/** A table that exists on the target server. */
export type TargetTable = {
  readonly uuid: string
  readonly engine: string
  /** Rows before merging; null if the engine does not count them. */
  readonly rows: number | null
  readonly columns: readonly DdlColumn[]
  /** Why it must not be written to: a sentence without the table's name, and the hint. */
  readonly problem?: { readonly sentence: string; readonly hint: string }
}

export type TargetPort = {
  /** Name of the database of the derived tables. */
  readonly database: string
  /** The derived tables that exist, by table name without database. */
  tables(names: readonly string[]): Promise<ReadonlyMap<string, TargetTable>>
  /** Columns of a table by its DDL file, types as the server writes them. */
  ddlColumns(table: TableDefinition): Promise<readonly DdlColumn[]>
  /** Creates the target database and the ledger's databases and tables if they are missing. */
  prepare(ledger: readonly SqlText[]): Promise<void>
  /** Whether the ledger's table and the locks' database exist; `old`: created by an older version, with fewer columns or tables. */
  ledgerState(): Promise<'absent' | 'old' | 'ready'>
  /** @throws BackfillError `usage` for a table that cannot be created; sends no statement. */
  assertCreatable(table: TableDefinition): void
  /** Runs a table's DDL. */
  create(table: TableDefinition): Promise<void>
}

export type CleanJob = {
  readonly table: TableDefinition
  readonly ranges: readonly Range[]
  readonly lock: Lock
  /** A person requested the deletion: it may take as long as any statement. */
  readonly asked: boolean
}

export type DescribePort = {
  /** Names and types of the columns that a transform yields; reads no rows. */
  describe(table: TableDefinition): Promise<readonly { readonly name: string; readonly type: string }[]>
}
