// Owns what verification tells people: a chunkComparison for each chunk, and why a difference is no surprise.
import type { Range } from '../../model/blocks.ts'
import type { RowsKind } from '../../model/model.ts'

export type VerifyOptions = {
  /** Only done blocks between these, both included. */
  readonly from: number | undefined
  readonly to: number | undefined
  /** Chunks of each table, chosen uniformly by `seed`; undefined: all. */
  readonly sample: number | undefined
  readonly seed: number
  readonly chunk: number | undefined
  readonly chunkRows: number | undefined
  /** Statements at once; undefined: as many as suit the server. */
  readonly jobs: number | undefined
  /** How long a server that does not answer is waited for, in ms. */
  readonly giveUpMs: number
}

/**
 * Why a range may rightly differ from what would be computed now. `sql`: built by another version of the SQL. `mixed`,
 * `late`: marked so in the ledger, or (`late`) its sources have changed since. `gone`: its source rows are there no more.
 */
export type WhyStale = 'sql' | 'mixed' | 'late' | 'gone'

export type ChunkComparison = Range & {
  /** `duplicates`: the transform yields several rows of one key, whatever the table holds. */
  readonly outcome: 'same' | 'different' | 'duplicates'
  readonly why: WhyStale | undefined
  readonly comparison: Comparison
  readonly elapsedMs: number
}

/** A column that is left out, since its default has another value each time, or since the server does not say whether. */
export type NotCompared = { readonly name: string; readonly why: 'nondeterministic' | 'unknown' }

export type VerifiedTable = {
  readonly table: string
  readonly target: string
  readonly rows: RowsKind['kind']
  readonly columns: readonly string[]
  readonly notCompared: readonly NotCompared[]
  /** Chunks in all, of which `comparisons` are those that were looked at. */
  readonly chunks: number
  readonly comparisons: readonly ChunkComparison[]
  /** Blocks that a run left half written: nobody knows what should be there. */
  readonly dirty: readonly Range[]
}

export type VerifyReport = {
  readonly network: string
  /** Of the sample; null where all chunks were looked at. */
  readonly seed: number | null
  readonly tables: readonly VerifiedTable[]
}

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
