// Owns the fingerprint of a range: what its sources held when it was computed. Deletions depend on comparing two. Pure.
import { failedError } from '../model/errors.ts'
import { wordsOf, writeWords } from '../ledger/built-from.ts'
import { type BlockSet, countBlocks, hull, type Range, subtract } from '../model/blocks.ts'
import type { Bucket } from './availability.ts'

/** Distinct blocks with a row, and the newest `updated_date_time` in seconds since 1970; both are 0 without rows. */
export type SourceFacts = { readonly blocks: number; readonly newest: number }

export type Fingerprint = ReadonlyMap<string, SourceFacts>

/** `source=blocks@newest …`, by name. Equal texts of a range: a statement would read the same source rows. Merges do not change it. */
export function writeFingerprint(sources: Fingerprint): string {
  return writeWords([...sources].map(([name, { blocks, newest }]) => [name, `${blocks}@${newest}`]))
}

/** @throws BackfillError `failed` for any other text: a source that is overlooked would count as unchanged */
export function readFingerprint(text: string): Fingerprint {
  const sources = new Map<string, SourceFacts>()
  for (const part of wordsOf(text)) {
    const [, name, blocks, newest] = PART.exec(part) ?? []
    if (name === undefined)
      throw failedError(
        `cannot read the fingerprint '${text}' in the ledger: '${part}'`,
        'source_fingerprint must read as backfill writes it: source=blocks@seconds',
      )
    sources.set(name, { blocks: Number(blocks), newest: Number(newest) })
  }
  return sources
}

const PART = /^([^\s=]+)=(\d+)@(\d+)$/

/**
 * Whether source rows were pruned, so that stored rows could not be computed again and must not be deleted: a source has fewer distinct blocks than
 * before; new rows and merges only make more. As many others meanwhile stay undetected. A source that is not read any more is ignored.
 */
export function sourceRowsPruned(before: Fingerprint, now: Fingerprint): boolean {
  return isLess(before, now, 'blocks')
}

/** The newest row of a source went, or the source was loaded again with older times; its blocks may all be there. */
export function newestRowsWent(before: Fingerprint, now: Fingerprint): boolean {
  return isLess(before, now, 'newest')
}

function isLess(before: Fingerprint, now: Fingerprint, of: keyof SourceFacts): boolean {
  return [...now].some(([name, facts]) => facts[of] < (before.get(name)?.[of] ?? 0))
}

/**
 * Where every block had a row, those without one; else those before the first and after the last that are left, as a TTL leaves them, if that can
 * be all that is lost; else the whole range.
 */
export function goneBlocks(range: Range, had: SourceFacts, present: BlockSet): BlockSet {
  const lost = had.blocks - countBlocks(present)
  const absent = subtract([range], present)
  if (lost > 0 && had.blocks === countBlocks([range])) return absent
  const around = hull(present)
  const outside = around === undefined ? [] : subtract([range], [around])
  return lost > 0 && lost <= countBlocks(outside) ? outside : [range]
}

type ChangeQuestion = {
  /** The fingerprint of the whole range of the event that built the blocks. */
  readonly before: Fingerprint
  /** Present contents of each source: in that whole range, and in the part that later events do not override. */
  readonly whole: ReadonlyMap<string, SourceFacts>
  readonly part: ReadonlyMap<string, SourceFacts>
}

/** `gone` (`sourceRowsPruned`) takes precedence. The place of blocks that came and of rows that went is unknown, so every part counts as changed. */
export function evaluateChange({ before, whole, part }: ChangeQuestion): 'same' | 'changed' | 'gone' {
  if (sourceRowsPruned(before, whole)) return 'gone'
  const isMore = [...before].some(([name, had]) => (whole.get(name)?.blocks ?? 0) > had.blocks)
  return isMore || newestRowsWent(before, whole) || isRewritten({ before, part }) ? 'changed' : 'same'
}

export function isRewritten({ before, part }: Pick<ChangeQuestion, 'before' | 'part'>): boolean {
  return [...before].some(([name, had]) => (part.get(name)?.newest ?? 0) > had.newest)
}

export type Buckets = ReadonlyMap<string, readonly Bucket[]>

/**
 * The result of `SourcePort.fingerprint` at the time of the probe; undefined if a bucket has rows inside and outside of
 * the range. Rows that arrived after the probe count as changes, so at worst a range is built again needlessly.
 */
export function knownFingerprint(buckets: Buckets, { from, to }: Range) {
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
