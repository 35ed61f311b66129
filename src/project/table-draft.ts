// Owns a table as far as its files could be read: what `backfill check` looks at. Types only.
import type { SqlText, TableDefinition } from '../model/model.ts'
import type { HeaderDraft } from './header.ts'

export type TableDraft = {
  readonly key: string
  /** The transform's file. */
  readonly file: string
  readonly header: HeaderDraft
  /** Line of each header key that is there. */
  readonly lines: ReadonlyMap<string, number>
  readonly transform: SqlText | undefined
  readonly ddl: SqlText | undefined
  /** None where there is no file. */
  readonly clusterDdl: readonly SqlText[]
  /** Undefined where a part of it is missing or wrong. */
  readonly definition: TableDefinition | undefined
}
