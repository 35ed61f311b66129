// Owns the port for queries of source tables.
import type { Range } from '../model/blocks.ts'
import type { Bucket } from './availability.ts'
import type { SourceFacts } from './fingerprint.ts'

export type SourcePort = {
  /** Lowest and highest block of each source for the network; sources without rows are absent. */
  extents(sources: readonly string[]): Promise<ReadonlyMap<string, Range>>
  /** Rows and blocks per bucket of `width` blocks (aligned at 0) that the source has in the range; empty buckets are absent. */
  buckets(source: string, range: Range, width: number): Promise<readonly Bucket[]>
  /**
   * Blocks of the ranges that one of `sources` has and another lacks, ascending. Blocks that only the source `weak` has
   * prove nothing and are not returned.
   */
  disagreeing(
    sources: readonly string[],
    weak: readonly string[],
    ranges: readonly Range[],
  ): Promise<readonly number[]>
  /** The contents of each source in the range; includes sources without a row. */
  fingerprint(sources: readonly string[], range: Range): Promise<ReadonlyMap<string, SourceFacts>>
  /** Whether `newest` is a time (rows) rather than a version (files), which has no order. */
  readonly hasTimes: boolean
}
