// Owns what a run asks of the statements that write: a transform described, inserted, its rows deleted and counted.
import type { Lock } from '../lock/lock.ts'
import type { Range } from '../model/blocks.ts'
import type { TableDefinition } from '../model/model.ts'
import type { WriteReport } from '../clickhouse/write.ts'
import type { CleanJob, DescribePort } from '../targets/target-port.ts'

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
  readonly stepSession?: StepSession
}

/**
 * A shared step (pure/shared-step.ts) of one range, whose rows wait in an HTTP session of this name between the INSERT
 * that computes them and the one that takes them last.
 */
export type StepSession = { readonly session: string; readonly role: 'first' | 'last' }

/** `stepKept`: the rows of the shared step wait in the session for the last one. */
export type InsertReport = WriteReport & { readonly stepKept: boolean }

export type ExecutorPort = DescribePort & {
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
