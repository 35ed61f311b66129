// Owns the fingerprint from the probe's buckets: a range that cuts no bucket needs no further query.
import type { Range } from '../model/blocks.ts'
import type { Bucket } from './availability.ts'
import type { SourceFacts } from './fingerprint.ts'

/** Buckets of each source of a table, by source name. */
export type Buckets = ReadonlyMap<string, readonly Bucket[]>

/**
 * The result of `SourcePort.fingerprint` at the time of the probe; undefined if a bucket has rows inside and outside of
 * the range. Rows that arrived after the probe count as changes, so at worst a range is built again needlessly.
 */
export function knownFingerprint(
  buckets: Buckets,
  { from, to }: Range,
): ReadonlyMap<string, SourceFacts> | undefined {
  const known = new Map<string, SourceFacts>()
  for (const [source, all] of buckets) {
    const touched = all.filter(({ first, last }) => first <= to && last >= from)
    if (touched.some(({ first, last }) => first < from || last > to)) return undefined
    known.set(source, {
      blocks: touched.reduce((sum, bucket) => sum + bucket.blocks, 0),
      newest: touched.reduce((latest, bucket) => Math.max(latest, bucket.newest), 0),
    })
  }
  return known
}

/** The buckets of both; those that `ahead` does not want are dropped from the older ones. */
export function mergeBuckets(older: Buckets, newer: Buckets, ahead: (bucket: Bucket) => boolean): Buckets {
  return new Map(
    [...newer].map(([source, buckets]) => {
      const known = new Set(buckets.map(({ first }) => first))
      const kept = (older.get(source) ?? []).filter((bucket) => ahead(bucket) && !known.has(bucket.first))
      return [source, [...kept, ...buckets]]
    }),
  )
}
