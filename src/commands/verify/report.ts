// Owns the options and the report of verification: a comparison for each chunk, and the reasons for differences.
import type { Range } from '../../model/blocks.ts'
import type { StaleReason } from '../../ledger/stale.ts'
import type { UpOptions } from '../../planning/run-options.ts'

export type VerifyOptions = Pick<UpOptions, 'from' | 'to' | 'chunk' | 'chunkRows' | 'jobs' | 'giveUpMs'> & {
  /** Chunks of each table, chosen uniformly by `seed`; undefined: all. */
  readonly sample: number | undefined
  readonly seed: number
  /** Compute with the SQL and the forks that built each range, in place of those of today. */
  readonly asBuilt?: boolean
}

/**
 * Why a range may differ from a new computation: it is stale, or (`gone`) its source rows were pruned. `sources`: marked
 * so in the ledger, or its source rows are seen to have changed since. `dropped`: the table's own TTL or engine may have
 * dropped rows.
 */
export type WhyStale = StaleReason | 'gone' | 'dropped'

export type ChunkComparison = Range &
  Comparison & {
    /** `duplicates`: the transform yields several rows of one key, whatever the table holds. */
    readonly outcome: 'same' | 'different' | 'duplicates'
    readonly why: WhyStale | undefined
    readonly elapsedMs: number
  }

type Sums = {
  readonly rows: number
  /** Distinct values of the target's sorting key. */
  readonly keys: number
  /** Sum of the rows' 64-bit hashes, modulo 2^64, decimal. */
  readonly hash: string
}

export type DifferenceKind =
  | 'missing'
  | 'unexpected'
  | 'different'
  /** `per-key` tables: the table's row is not as early, or not as late, as the range says. */
  | 'behind'

/** A row of a key that differs, in the order of the compared columns; null on the side that lacks it. */
export type Example = {
  readonly kind: DifferenceKind
  readonly recomputed: readonly string[] | null
  readonly stored: readonly string[] | null
}

export type Comparison = {
  readonly recomputed: Sums
  /** Of the range's rows in the table; undefined for a `per-key` table, whose rows belong to no range. */
  readonly stored: Sums | undefined
  /** Keys that differ, by how. */
  readonly differences: Readonly<Record<DifferenceKind, number>>
  readonly examples: readonly Example[]
}
