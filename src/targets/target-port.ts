// Owns what is asked of, and done to, derived tables.
import type { Lock } from '../lock/lock.ts'
import type { Range } from '../model/blocks.ts'
import type { SqlText, TableDefinition } from '../model/model.ts'
import type { DdlColumn } from '../sql-syntax/create-table.ts'

/** A table that exists on the target server. */
export type TargetTable = {
  readonly uuid: string
  readonly engine: string
  /** Rows before merging; null where the engine does not count them. */
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
  /** Creates the target database and the ledger's databases and tables where they are missing. */
  prepare(ledger: readonly SqlText[]): Promise<void>
  /** Whether the ledger's table and the locks' database exist; `old`: made by a version that knew fewer columns or tables. */
  ledgerState(): Promise<'absent' | 'old' | 'ready'>
  /** @throws BackfillError `usage` for a table that could not be created: nothing is tried. */
  assertCreatable(table: TableDefinition): void
  /** Runs a table's DDL. */
  create(table: TableDefinition): Promise<void>
}

export type CleanJob = {
  readonly table: TableDefinition
  readonly ranges: readonly Range[]
  readonly lock: Lock
  /** Somebody has asked for it, and may have asked for much: it may take its time. */
  readonly asked: boolean
}

export type DescribePort = {
  /** Names and types of the columns that a transform yields; reads no rows. */
  describe(table: TableDefinition): Promise<readonly { readonly name: string; readonly type: string }[]>
}
