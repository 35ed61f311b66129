// Owns what the checks that ask a server are handed: the files that are sound, and what stands on the servers.
import type { CheckPort } from './questions.ts'
import type { StandingTable } from '../../clickhouse/existing-tables.ts'
import type { Catalogue, TableDefinition } from '../../model/model.ts'

export type ServerCheck = {
  readonly port: CheckPort
  readonly catalogue: Catalogue
  /** Those whose files are sound. */
  readonly tables: readonly TableDefinition[]
}

/** What stands on the servers, by table name without database. */
export type Surroundings = {
  readonly sources: ReadonlyMap<string, StandingTable>
  readonly targets: ReadonlyMap<string, StandingTable>
  /** Databases that exist. */
  readonly databases: { readonly source: ReadonlySet<string>; readonly target: ReadonlySet<string> }
}
