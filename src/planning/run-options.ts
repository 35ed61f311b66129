// Owns the input of planning: the options of a run (range, sizes, limits, waiting times), the scope, and the reading ports of the servers.
import type { PerUnit } from '../model/model.ts'
import type { Order } from './row-estimates.ts'
import type { Capacity } from '../clickhouse/capacity.ts'
import type { LedgerPort } from '../ledger/writer.ts'
import type { Findings } from '../ledger/findings.ts'
import type { SteeringPort } from '../ledger/steering.ts'
import type { VersionsPort } from '../ledger/sql-versions.ts'
import type { Scope } from '../model/choose.ts'
import type { SourcePort } from '../sources/source.ts'
import type { DescribePort } from '../targets/check-columns.ts'
import type { TargetPort } from '../targets/target.ts'

export type UpOptions = {
  /** Only blocks from here on. */
  readonly from: number | undefined
  /** Only blocks up to here; above the head it overrides the head and is recorded as forced. */
  readonly to: number | undefined
  /** Blocks per chunk; undefined: as set in the transform's header, else as many as have `chunkRows` rows. */
  readonly chunk: PerUnit | undefined
  /** Expected rows per chunk; undefined: the default (sizing.ts), or fewer if earlier chunks took too much. */
  readonly chunkRows: number | undefined
  readonly order: Order
  /** Statements in flight over all tables, >= 1; undefined: chosen by the server's capacity. */
  readonly jobs: number | undefined
  /** Statements in flight for one table, >= 1; undefined: as many as over all tables. */
  readonly tableJobs: number | undefined
  /** Distance kept from the newest block, in blocks. */
  readonly lag: PerUnit
  /** How long to wait for an unreachable server before the run ends, in ms. */
  readonly giveUpMs: number
  /** No chunk starts while a smaller share of the target's disk is free, 0 to 1. */
  readonly minFreeShare: number
  /** After the first signal: how long running statements may take to finish before they are killed, in ms. */
  readonly graceMs: number
  /** Start no new chunks after this long, in ms; undefined: no limit. */
  readonly maxRuntimeMs: number | undefined
  /** How long to wait for a lock of a living runner, in ms. */
  readonly lockWaitMs: number
  /** Leave out a table whose lock is held; this is not a failure. */
  readonly lockSkip: boolean
  /** Ranges are done whatever their audits would find. */
  readonly noAudits: boolean
  /** No chunk starts while others run more queries, or while the SELECT returns a row; undefined: whatever the load is. */
  readonly maxLoad?: MaxLoad | undefined
  /** Keys of tables whose unknown rows are deleted, as far as the sources can give them again. */
  readonly recompute: readonly string[]
  /** Build stale ranges again after the missing ones. */
  readonly redoStale: boolean
  /** The source database has another name than when the newest blocks were done, and the same rows. */
  readonly newSource: boolean
}

export type MaxLoad = { readonly queries: number } | { readonly file: string; readonly sql: string }

export type ReadWorkspace = Scope & {
  readonly ports: {
    readonly ledger: Pick<
      LedgerPort,
      | 'assertOwnNetwork'
      | 'fold'
      | 'inputChanges'
      | 'sameSince'
      | 'recordedRows'
      | 'written'
      | 'earlier'
      | 'costs'
    >
    readonly source: SourcePort
    readonly target: Pick<
      TargetPort,
      | 'database'
      | 'dropOf'
      | 'tables'
      | 'identities'
      | 'ddlColumns'
      | 'ledgerState'
      | 'freeSpace'
      | 'oldestParts'
      | 'misplacedRows'
    >
    readonly executor: DescribePort
    readonly versions: Pick<VersionsPort, 'built'>
    readonly findings: Pick<Findings, 'read'>
    readonly steering: Pick<SteeringPort, 'readAll'>
    capacity(): Promise<Capacity>
  }
}
