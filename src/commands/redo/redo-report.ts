// Owns what `redo` would do, as it is told before it is done (types only).
import type { Range } from '../../model/blocks.ts'

/** What `redo` would do to one table. */
export type RedoPlanTable = {
  readonly table: string
  /** With its database. */
  readonly target: string
  /** Rows are deleted first; else the table keeps one per key, runs again over them, and is stale there afterwards. */
  readonly deletes: boolean
  readonly redo: readonly Range[]
  /** Missing blocks that are built along. */
  readonly also: readonly Range[]
  /** Rows that are deleted, before merging. */
  readonly rows: number
  /** Of the whole table, before merging; null where the engine does not count them. */
  readonly tableRows: number | null
}

/** The named table first, then those that read it; none where there is nothing to do. */
export type RedoPlan = {
  readonly network: string
  /** The highest block that is built again. */
  readonly head: number
  readonly tables: readonly RedoPlanTable[]
}
