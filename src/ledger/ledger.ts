// Owns the ledger of one network on the target server, as the runner knows it.
import type { Names } from '../clickhouse/own-databases.ts'
import type { Server } from '../clickhouse/server.ts'
import type { RetryPolicy } from '../clickhouse/retry.ts'
import type { Found } from './attempts.ts'
import type { Island, LedgerEvent, Position } from './events.ts'
import type { Lock } from '../lock/lock.ts'
import type { BlockSet, Range } from '../model/blocks.ts'

export type LedgerOptions = {
  readonly server: Server
  readonly names: Names
  readonly network: string
  readonly toolVersion: string
}

/** What the fold of the ledger says of one table. */
export type LedgerView = {
  /** Disjoint, sorted by block. */
  readonly islands: readonly Island[]
  /** Events after the last checkpoint: how much the next fold has to read. */
  readonly tail: number
  /** Time of the latest chunk event, ISO 8601 UTC, by the server's clock; undefined where there is none. */
  readonly lastRun: string | undefined
}

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
type CheckpointRequest = { readonly lock: Lock; readonly targetUuid: string }

export type LedgerPort = {
  /** Folds the events of each table's present UUID (key -> UUID); a key without events has no islands. */
  fold(uuids: ReadonlyMap<string, string>): Promise<ReadonlyMap<string, LedgerView>>
  /**
   * Appends one event under the lock's fence, acknowledged when the promise resolves. With patience, the same event
   * with the same (epoch, seq) is sent again after a lost answer and after errors that pass.
   */
  append(lock: Lock, event: LedgerEvent, retryPolicy?: RetryPolicy): Promise<void>
  /**
   * Appends a checkpoint for each table: the fold of everything so far, from which the next fold starts. All or none:
   * a lock that is lost fails them all.
   */
  checkpoint(marks: readonly CheckpointRequest[], runId: string, retryPolicy?: RetryPolicy): Promise<void>
  /** Rows that the `done` events of a target say were written to it, re-written ones counted again. */
  rowsWritten(key: string, targetUuid: string): Promise<number>
  /** The tries whose rows may stand in the dirty blocks (pure/recovery.ts, `triesIn`). */
  attempts(key: string, targetUuid: string, dirty: BlockSet): Promise<readonly Attempt[]>
  /**
   * Where the latest event of each table that touches the range stands, tables without one left out: the same before
   * and after a statement means that what it read was not redone meanwhile.
   */
  mark(uuids: ReadonlyMap<string, string>, range: Range): Promise<ReadonlyMap<string, Position>>
}
