// Owns what is asked of source tables.
import type { Range } from '../model/blocks.ts'
import type { Bucket } from './availability.ts'

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
