// Owns what verification needs of the servers: a range computed again and compared, and the events behind coverage.
import type { Range } from '../../model/blocks.ts'
import type { TableDefinition } from '../../model/model.ts'
import type { PastPort } from '../../ledger/history.ts'
import type { StretchPort } from '../../sources/source.ts'

/** Three numbers about a multiset of rows: equal ones mean, for all practical purposes, equal rows. */
export type Sums = {
  readonly rows: number
  /** Distinct values of the target's sorting key. */
  readonly keys: number
  /** Sum of the rows' 64-bit hashes, modulo 2^64, decimal. */
  readonly hash: string
}

/** How a row of one side differs from the other side's row of the same key. */
export type DifferenceKind =
  /** Computed, and the table lacks the key. */
  | 'missing'
  /** In the table, and the range does not yield it. */
  | 'unexpected'
  /** On both sides, with other values. */
  | 'different'
  /** `per-key` tables: the table's row is not as early, or not as late, as the range says. */
  | 'behind'

/** A row of a key that differs, in the order of the compared columns; null on the side that lacks it. */
export type Example = {
  readonly kind: DifferenceKind
  readonly recomputed: readonly string[] | null
  readonly stored: readonly string[] | null
}

/** What became of a range that was computed again. Reads only. */
export type Comparison = {
  readonly recomputed: Sums
  /** Of the range's rows in the table; undefined for a `per-key` table, whose rows belong to no range. */
  readonly stored: Sums | undefined
  /** Keys that differ, by how. */
  readonly differences: Readonly<Record<DifferenceKind, number>>
  /** The keys above are only those that were looked at: there may be more. */
  readonly atLeast: boolean
  readonly examples: readonly Example[]
}

export type VerifyPort = {
  /** Which columns are compared, and which cannot be: a default such as now() has another value each time. */
  columns(
    table: TableDefinition,
  ): Promise<{ readonly compared: readonly string[]; readonly not: readonly string[] }>
  /**
   * Computes the range again and compares it with what the table holds.
   * @throws BackfillError `usage` where a table's rows cannot be compared; `failed`, `server`
   */
  compare(table: TableDefinition, range: Range, signal: AbortSignal): Promise<Comparison>
}

export type VerifyPorts = {
  readonly verify: VerifyPort
  readonly past: PastPort
  readonly stretches: StretchPort
}
