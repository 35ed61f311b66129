// Owns the fingerprint that a probe has already paid for: a range that cuts no bucket need not be asked about again.
import type { Range } from '../model/blocks.ts'
import type { Bucket } from './availability.ts'
import type { LedgerPort } from '../ledger/ledger.ts'
import type { TableDefinition } from '../model/model.ts'
import type { SourcePort } from './source-port.ts'

/** Buckets of each source of a table, by source name. */
export type Buckets = ReadonlyMap<string, readonly Bucket[]>

/**
 * What `SourcePort.fingerprint` said of the range when it was probed; undefined where a bucket has rows inside and
 * outside of it. Older than one taken now: rows that came in between look as if they had come later, which errs on the
 * side of doing a range again.
 */
export function knownFingerprint(buckets: Buckets, { from, to }: Range): string | undefined {
  const parts: string[] = []
  for (const source of [...buckets.keys()].toSorted()) {
    const touched = buckets.get(source)!.filter(({ first, last }) => first <= to && last >= from)
    if (touched.some(({ first, last }) => first < from || last > to)) return undefined
    const blocks = touched.reduce((sum, bucket) => sum + bucket.blocks, 0)
    const newest = touched.reduce((latest, bucket) => Math.max(latest, bucket.newest), 0)
    parts.push(`${source}=${blocks}@${newest}`)
  }
  return parts.join(' ')
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

/** Distinct blocks with a row, and the newest `updated_date_time` in seconds since 1970. */
export type SourceFacts = { readonly blocks: number; readonly newest: number }

/** Position of the latest event over a range of an input table. */
export type InputVersion = readonly [epoch: number, seq: number]

/** A fingerprint taken apart: by source table, and by the key of an input table. */
export type Fingerprint = {
  readonly sources: ReadonlyMap<string, SourceFacts>
  readonly inputs: ReadonlyMap<string, InputVersion>
}

export function readFingerprint(text: string): Fingerprint {
  const sources = [...text.matchAll(/(\S+)=(\d+)@(\d+)/g)]
  const inputs = [...text.matchAll(/(\S+)=\((\d+),(\d+)\)/g)]
  return {
    sources: new Map(
      sources.map(([, name, blocks, newest]) => [name!, { blocks: Number(blocks), newest: Number(newest) }]),
    ),
    inputs: new Map(inputs.map(([, key, epoch, seq]) => [key!, [Number(epoch), Number(seq)]])),
  }
}

export type ChangeQuestion = {
  /** Of the whole range of the event that built the blocks. */
  readonly before: Fingerprint
  /** Now, of that whole range, and of the part of it that later events have left to be seen. */
  readonly whole: ReadonlyMap<string, SourceFacts>
  readonly part: ReadonlyMap<string, SourceFacts>
  /** Now, of the part, by key of the input table; absent where nothing has touched it. */
  readonly inputs: ReadonlyMap<string, InputVersion>
}

/**
 * `gone`: rows that were there are not any more (pruned, TTL), so that what is stored could not be computed again; it
 * outweighs everything. `changed`: blocks came, rows were written again, or an input was redone. A count of blocks and a
 * newest time survive merges. Of blocks that came it is not known where they came in the whole range: that counts as
 * changed, which errs on the side of doing a part again.
 */
export function evaluateChange({ before, whole, part, inputs }: ChangeQuestion): 'same' | 'changed' | 'gone' {
  const sources = [...before.sources].map(([name, recordedEvents]) => ({
    recordedEvents,
    now: whole.get(name) ?? NOTHING,
    here: part.get(name) ?? NOTHING,
  }))
  if (
    sources.some(
      ({ recordedEvents, now }) => now.blocks < recordedEvents.blocks || now.newest < recordedEvents.newest,
    )
  )
    return 'gone'
  if (
    sources.some(
      ({ recordedEvents, now, here }) =>
        here.newest > recordedEvents.newest || now.blocks > recordedEvents.blocks,
    )
  )
    return 'changed'
  const redone = [...inputs].some(([key, now]) => isLater(now, before.inputs.get(key) ?? [0, 0]))
  return redone ? 'changed' : 'same'
}

const NOTHING: SourceFacts = { blocks: 0, newest: 0 }

export function isLater([epoch, seq]: InputVersion, [otherEpoch, otherSeq]: InputVersion): boolean {
  return epoch > otherEpoch || (epoch === otherEpoch && seq > otherSeq)
}

/** Equal fingerprints of one range mean that a statement would read the same rows. Survives merges. */
export async function fingerprintOf(
  {
    source,
    ledger,
  }: { readonly source: Pick<SourcePort, 'fingerprint'>; readonly ledger: Pick<LedgerPort, 'mark'> },
  table: TableDefinition,
  inputs: ReadonlyMap<string, string>,
  range: Range,
): Promise<string> {
  return joinFingerprint(
    ...(await Promise.all([source.fingerprint(table.sources, range), ledger.mark(inputs, range)])),
  )
}

/** The fingerprint of the sources and the mark of the inputs in one string. */
export function joinFingerprint(sources: string, mark: string): string {
  return [sources, mark].filter((part) => part !== '').join(' ')
}
