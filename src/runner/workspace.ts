// Owns the type of a workspace: the network, the chosen tables and the ports to the servers.
import type { Scope } from '../model/choose.ts'
import type { Capacity, Others } from '../clickhouse/capacity.ts'
import type { LedgerPort } from '../ledger/writer.ts'
import type { RunReports } from '../ledger/run-reports.ts'
import type { SteeringPort } from '../ledger/steering.ts'
import type { VersionsPort } from '../ledger/sql-versions.ts'
import type { Findings } from '../ledger/findings.ts'
import type { Locks } from '../lock/lock.ts'
import type { ExecutorPort } from './executor.ts'
import type { Queries } from './query-fate.ts'
import type { TableDefinition } from '../model/model.ts'
import type { SourcePort } from '../sources/source.ts'
import type { ownOfNodes } from '../targets/own-of-nodes.ts'
import type { TargetPort } from '../targets/target.ts'

export type Workspace = Scope & { readonly ports: Ports; readonly addresses: Addresses }

/** What a run says about where it works: each database with its server, the versions of the servers and of this program. */
type Addresses = Readonly<Record<'source' | 'target' | 'servers' | 'toolVersion', string>>

export type Ports = {
  readonly ledger: LedgerPort
  readonly locks: Locks
  readonly source: SourcePort
  readonly target: TargetPort
  readonly executor: ExecutorPort
  readonly queries: Queries
  readonly versions: VersionsPort
  readonly findings: Findings
  readonly steering: SteeringPort
  readonly runReports: RunReports
  readonly load: {
    /** On the server that computes transforms. */
    others(): Promise<Others>
    /** Rows of a SELECT on the target. */
    rows(sql: string): Promise<readonly (readonly unknown[])[]>
    /** Whether `others` may be asked without anybody's wish: a source server of its own keeps its system tables to itself. */
    readonly isKnown: boolean
  }
  capacity(): Promise<Capacity>
  /** Of sources of the chosen tables (own-of-nodes.ts). */
  ownOfNodes(chosen: readonly TableDefinition[]): ReturnType<typeof ownOfNodes>
}
