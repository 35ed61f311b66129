// Owns the port for a run's statements on targets: describe and insert a transform, delete and count rows.
import type { Lock } from '../lock/lock.ts'
import type { Range } from '../model/blocks.ts'
import type { TableDefinition } from '../model/model.ts'
import type { WriteReport } from '../clickhouse/write.ts'
import type { DescribePort } from '../targets/check-columns.ts'
import type { Deletions } from '../targets/delete-ranges.ts'

export type InsertJob = {
  readonly table: TableDefinition
  readonly range: Range
  readonly queryId: string
  readonly lock: Lock
  /**
   * Whether the server sends progress headers, which keep the connection alive. If a proxy closed the connection anyway,
   * the next progress header fails the statement: then it must run without them.
   */
  readonly progress: boolean
  readonly stepSession?: StepSession
}

/**
 * The session of a shared step (sql-syntax/shared-cte.ts) for one range. Its rows wait in an HTTP session of this name
 * between the first INSERT, which computes them, and the last.
 */
export type StepSession = { readonly session: string; readonly role: 'first' | 'last' }

/** `stepKept`: the rows of the shared step wait in the session for the last INSERT. */
export type InsertReport = WriteReport & { readonly stepKept: boolean }

export type ExecutorPort = DescribePort &
  Deletions & {
    /**
     * Inserts the transform of one range into its target, fenced by the lock, under the query id.
     * Resolves only when it is certain that all rows are written.
     * With a step session: if the step cannot be shared (no session any more, no memory or grant for its rows), the whole
     * transform is computed.
     * @throws BackfillError `failed` with the server's message; `locked` if the fence refused it.
     */
    insert(job: InsertJob): Promise<InsertReport>
  }
