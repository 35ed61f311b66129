// Owns what verification tells people: a verdict for each chunk, and why a difference is no surprise.
import type { Range } from '../../model/blocks.ts'
import type { RowsKind } from '../../model/model.ts'
import type { Comparison } from './verify-port.ts'

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

export type Verdict = Range & {
  /** `duplicates`: the transform yields several rows of one key, whatever the table holds. */
  readonly outcome: 'same' | 'different' | 'duplicates'
  readonly why: WhyStale | undefined
  readonly comparison: Comparison
  readonly elapsedMs: number
}

export type VerifiedTable = {
  readonly table: string
  readonly target: string
  readonly rows: RowsKind['kind']
  readonly columns: readonly string[]
  readonly notCompared: readonly string[]
  /** Chunks in all, of which `verdicts` are those that were looked at. */
  readonly chunks: number
  readonly verdicts: readonly Verdict[]
  /** Blocks that a run left half written: nobody knows what should be there. */
  readonly dirty: readonly Range[]
}

export type VerifyReport = {
  readonly network: string
  /** Of the sample; null where all chunks were looked at. */
  readonly seed: number | null
  readonly tables: readonly VerifiedTable[]
}
