// Owns what `backfill check` asks of the servers. Nothing here writes.
import type { Catalogue, TableDefinition } from '../../model/model.ts'
import type { OutputColumn } from '../../sql-syntax/column-fit.ts'
import type { ExistingTable } from '../../clickhouse/existing-tables.ts'
import type { Need, ServerRole } from '../../clickhouse/grants.ts'

/** What a server says of a transform: its columns, or why not. */
export type Described =
  | { readonly columns: readonly OutputColumn[] }
  | { readonly code: number; readonly message: string; readonly sent: string; readonly user: string }

export type CheckPort = {
  readonly databases: Readonly<Record<ServerRole, string>>
  readonly users: Readonly<Record<ServerRole, string>>
  /** The ledger's database and that of the locks. */
  readonly ledger: { readonly ledger: string; readonly locks: string }
  /** Which of the databases exist, as far as the user may see them. */
  existing(side: ServerRole, databases: readonly string[]): Promise<ReadonlySet<string>>
  /** The tables of the side's database that exist, as far as the user may see them. */
  tables(side: ServerRole, names: readonly string[]): Promise<ReadonlyMap<string, ExistingTable>>
  /** Describes `text`, from the second line on, in place of the table's transform, on the server that would compute it. */
  describe(table: TableDefinition, text: string): Promise<Described>
  /** What the server says against the text of a statement; undefined where it can be read. */
  unreadable(text: string): Promise<string | undefined>
  /** Types as the target writes them; undefined for what it does not know. */
  typeNames(types: readonly string[]): Promise<ReadonlyMap<string, string | undefined>>
  /** Expressions as the target writes them; what it cannot read stays as it is. */
  formatted(expressions: readonly string[]): Promise<readonly string[]>
  /** Those of the needs that the user lacks; undefined where the server cannot be asked (before 24.10). */
  missing(requiredGrants: readonly Need[]): Promise<readonly Need[] | undefined>
}

export type ServerCheck = {
  readonly port: CheckPort
  readonly catalogue: Catalogue
  /** Those whose files are sound. */
  readonly tables: readonly TableDefinition[]
}

/** What stands on the servers, by table name without database. */
export type ServerState = {
  readonly sources: ReadonlyMap<string, ExistingTable>
  readonly targets: ReadonlyMap<string, ExistingTable>
  /** Databases that exist. */
  readonly databases: { readonly source: ReadonlySet<string>; readonly target: ReadonlySet<string> }
}
