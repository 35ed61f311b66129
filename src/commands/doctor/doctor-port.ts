// Owns what `backfill doctor` asks of the servers. Nothing here writes, and nothing throws for what a server refuses.
import type { CheckPort, Side } from '../check/questions.ts'
import type { TableDefinition } from '../../model/model.ts'
import type { ClusterFacts } from './checks/cluster.ts'
import type { Flow, Silence } from './checks/connection.ts'
import type { Asked } from './checks/finding.ts'
import type { LedgerFacts } from './checks/ledger.ts'
import type { About, ServerFacts } from './checks/servers.ts'
import type { SettingsQuestion } from './checks/settings.ts'
import type { StorageFacts } from './checks/storage.ts'

/** One login on one server. It is asked only after `reach` got an answer. */
export type SidePort = {
  readonly about: About
  /** Both where source and target are one login. */
  readonly sides: readonly Side[]
  reach(): Promise<Asked<ServerFacts>>
  /** Asks for something that takes so long and says nothing meanwhile. */
  silence(seconds: number): Promise<Asked<Silence>>
  flow(): Promise<Asked<Flow>>
  settings(): Promise<SettingsQuestion>
}

export type DoctorPort = {
  readonly sides: readonly SidePort[]
  readonly databases: Readonly<Record<Side, string>>
  readonly names: { readonly ledger: string; readonly locks: string }
  /** The questions of `check`, to the sides that were reached; undefined where none was. */
  check(): CheckPort | undefined
  /** Of the target; undefined where it is a server by itself. */
  readonly cluster: (() => Promise<ClusterFacts>) | undefined
  /** Of the target, or of all servers of its cluster. */
  storage(tables: readonly TableDefinition[]): Promise<StorageFacts>
  ledger(tables: readonly TableDefinition[]): Promise<LedgerFacts>
}
