// Owns what the runner needs from the world: the ledger, the lock, the source, the target. Adapters implement these.
import type { Island, LedgerEvent } from '../ledger/events.ts'
import type { Lock, LockPort } from '../lock/lock-port.ts'
import type { Range, SqlText, TableDefinition } from '../model/model.ts'
import type { DdlColumn } from '../sql-syntax/create-table.ts'
import type { BlockSet } from '../model/blocks.ts'
import type { Cost } from '../planning/throughput.ts'
import type { Found } from './remedy.ts'
import type { Bucket } from '../sources/availability.ts'
import type { VersionsPort } from '../ledger/versions-port.ts'

/** What the fold of the ledger says of one table. */
export type LedgerView = {
  /** Disjoint, sorted by block. */
  readonly islands: readonly Island[]
  /** Events after the last checkpoint: how much the next fold has to read. */
  readonly tail: number
  /** Time of the latest chunk event, ISO 8601 UTC, by the server's clock; undefined where there is none. */
  readonly lastRun: string | undefined
}

/** How long, and until when, a server that is away is waited for. */
export type Patience = { readonly giveUpMs: number; readonly signal: AbortSignal }

/** A try at a range whose rows may stand in blocks that are dirty now. */
export type Attempt = Found & {
  readonly range: Range
  readonly queryId: string
  readonly sqlHash: string
  readonly sourceFingerprint: string
  /** ClickHouse user that sent it. */
  readonly user: string
}

/** A table of which a checkpoint is to be made. */
type CheckpointMark = { readonly lock: Lock; readonly targetUuid: string }

export type LedgerPort = {
  /** Folds the events of each table's present UUID (key -> UUID); a key without events has no islands. */
  fold(uuids: ReadonlyMap<string, string>): Promise<ReadonlyMap<string, LedgerView>>
  /**
   * Appends one event under the lock's fence, acknowledged when the promise resolves. With patience, the same event
   * with the same (epoch, seq) is sent again after a lost answer and after errors that pass.
   */
  append(lock: Lock, event: LedgerEvent, patience?: Patience): Promise<void>
  /**
   * Appends a checkpoint for each table: the fold of everything so far, from which the next fold starts. All or none:
   * a lock that is lost fails them all.
   */
  checkpoint(marks: readonly CheckpointMark[], runId: string, patience?: Patience): Promise<void>
  /** Rows that the `done` events of a target say were written to it, re-written ones counted again. */
  rowsWritten(key: string, targetUuid: string): Promise<number>
  /** The tries whose rows may stand in the dirty blocks (pure/recovery.ts, `triesIn`). */
  attempts(key: string, targetUuid: string, dirty: BlockSet): Promise<readonly Attempt[]>
  /**
   * The latest event of each table that touches the range, as one string: equal strings before and after a
   * statement mean that what it read was not redone meanwhile.
   */
  mark(uuids: ReadonlyMap<string, string>, range: Range): Promise<string>
}

export type HistoryPort = {
  /** What the latest chunks of each table's present UUID cost (key -> UUID), oldest first; keys without any are absent. */
  costs(uuids: ReadonlyMap<string, string>): Promise<ReadonlyMap<string, readonly Cost[]>>
  /** Blocks whose rows were ever taken back; they may have been built again since. */
  cleaned(key: string, targetUuid: string): Promise<BlockSet>
}

/** What a server has to give to statements. */
export type Capacity = {
  /** Threads that a statement uses by default: the cores. */
  readonly cores: number
  /** Cores that are busy already; 0 where the server does not say. */
  readonly busyCores: number
  /** Bytes that one statement may use, and all together; undefined: no limit is known. */
  readonly statementBytes: number | undefined
  readonly serverBytes: number | undefined
}

/** Lowest and highest block of a source table for the network. */
export type Extent = Range

export type SourcePort = {
  /** Extents of the sources for the network; undefined for a source without rows. */
  extents(sources: readonly string[]): Promise<ReadonlyMap<string, Extent | undefined>>
  /** Rows and blocks per bucket of `width` blocks (aligned at 0) that the source has in the range; empty buckets are absent. */
  buckets(source: string, range: Range, width: number): Promise<readonly Bucket[]>
  /**
   * Blocks in the ranges that occur in one of `sources` and lack in another, ascending.
   * Blocks that only the source `weak` has prove nothing and are not returned.
   */
  disagreeing(
    sources: readonly string[],
    weak: readonly string[],
    ranges: readonly Range[],
  ): Promise<readonly number[]>
  /** `source=distinct blocks@newest updated_date_time` of the range for each source, in one string. */
  fingerprint(sources: readonly string[], range: Range): Promise<string>
}

export type Column = DdlColumn

/** A table that exists on the target server. */
export type TargetTable = {
  readonly uuid: string
  readonly engine: string
  /** Rows before merging; null where the engine does not count them. */
  readonly rows: number | null
  readonly columns: readonly Column[]
  /** Why it must not be written to: a sentence without the table's name, and the cure. */
  readonly problem?: { readonly sentence: string; readonly hint: string }
}

export type TargetPort = {
  /** Name of the database of the derived tables. */
  readonly database: string
  /** The derived tables that exist, by table name without database. */
  tables(names: readonly string[]): Promise<ReadonlyMap<string, TargetTable>>
  /** Creates the target database and the ledger's databases and tables where they are missing. */
  prepare(ledger: readonly SqlText[]): Promise<void>
  /** Whether the ledger's table and the locks' database exist; `old`: made by a version that knew fewer columns or tables. */
  ledgerState(): Promise<'absent' | 'old' | 'ready'>
  /** @throws BackfillError `usage` for a table that could not be created: nothing is tried. */
  refuseUncreatable(table: TableDefinition): void
  /** Runs a table's DDL. */
  create(table: TableDefinition): Promise<void>
}

/** What the server reported of a statement that wrote. */
export type WriteReport = {
  readonly rowsRead: number
  readonly rowsWritten: number
  readonly bytesRead: number
  readonly peakMemory: number
  readonly elapsedMs: number
}

export type InsertJob = {
  readonly table: TableDefinition
  readonly range: Range
  readonly queryId: string
  readonly lock: Lock
  /**
   * Whether the server tells its progress, which keeps the connection alive. Where a proxy cut the connection all
   * the same, the next word of progress breaks the statement: then it has to run without.
   */
  readonly progress: boolean
  readonly pass?: Pass
}

/**
 * A shared step (pure/shared-step.ts) of one range, whose rows wait in an HTTP session of this name between the INSERT
 * that computes them and the one that takes them last.
 */
export type Pass = { readonly session: string; readonly role: 'first' | 'last' }

/** `passed`: the rows of the shared step wait in the session for the last one. */
export type InsertReport = WriteReport & { readonly passed: boolean }

export type CleanJob = {
  readonly table: TableDefinition
  readonly ranges: readonly Range[]
  readonly lock: Lock
  /** Somebody has asked for it, and may have asked for much: it may take its time. */
  readonly asked: boolean
}

export type ExecutorPort = {
  /** Names and types of the columns that a transform yields; reads no rows. */
  describe(table: TableDefinition): Promise<readonly { readonly name: string; readonly type: string }[]>
  /**
   * Inserts the transform of one range into its target, fenced by the lock, under the query id.
   * Resolves only when the server has said by every sign that all rows are in.
   * With a pass, what cannot be shared (no session any more, no memory or grant for the waiting rows) is computed whole.
   * @throws BackfillError `failed` with the server's message; `locked` when the fence refused it.
   */
  insert(job: InsertJob): Promise<InsertReport>
  /**
   * Deletes the target's rows of the ranges, fenced, and makes sure that none is left. Only for `per-block` tables.
   * @throws BackfillError `failed` with the server's message; `locked` when the fence refused it
   */
  clean(job: CleanJob): Promise<void>
  /** Rows of the ranges as they stand in the target, before merging. */
  count(table: TableDefinition, ranges: readonly Range[]): Promise<number>
  /** Why rows cannot be deleted; undefined where they can. */
  readonly noDeletes: string | undefined
  /** Ends the deletions of earlier epochs that are still queued: their fence would fail them for ever. */
  endDeletions(table: TableDefinition, lock: Lock): Promise<void>
}

/** Statements as the target server knows them, by their query ids. */
export type QueryPort = {
  /**
   * Kills what still runs of the queries and resolves when none does.
   * @throws BackfillError `failed` when one has not ended after a minute
   */
  end(queryIds: readonly string[]): Promise<void>
  /** Resolves when the query no longer runs: what the server reported if it finished, else undefined. */
  settle(queryId: string): Promise<WriteReport | undefined>
  /** Whether the queries of `user` can be seen and killed: one's own always can. */
  canEnd(user: string): Promise<boolean>
  /** Resolves when both servers answer; rejects with the last error when patience ends. */
  reachable(patience: Patience): Promise<void>
}

/** Everything that a run stands on. */
export type Ports = {
  readonly ledger: LedgerPort
  readonly locks: LockPort
  readonly source: SourcePort
  readonly target: TargetPort
  readonly executor: ExecutorPort
  readonly queries: QueryPort
  readonly history: HistoryPort
  readonly versions: VersionsPort
  /** Of the server on which transforms are computed. */
  capacity(): Promise<Capacity>
}
