// Owns the type of a table as far as its files could be read, for `backfill check`.
import type { SqlText, TableDefinition } from '../model/model.ts'
import type { HeaderDraft } from './header.ts'

export type TableDraft = {
  readonly key: string
  /** The transform's file. */
  readonly file: string
  readonly header: HeaderDraft
  /** Line of each present header key. */
  readonly lines: ReadonlyMap<string, number>
  readonly transform: SqlText | undefined
  readonly ddl: SqlText | undefined
  /** Undefined if a part of it is missing or wrong. */
  readonly definition: TableDefinition | undefined
}
