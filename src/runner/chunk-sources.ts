// Owns noticing that the sources lost rows while a chunk was computed: a loader that truncates first, a table that was exchanged.
import { namedBlocks, type Range } from '../model/blocks.ts'
import { failedError } from '../model/errors.ts'
import type { TableDefinition } from '../model/model.ts'
import { type Buckets, type Fingerprint, knownFingerprint, sourceRowsPruned } from '../sources/fingerprint.ts'
import type { Ports } from './workspace.ts'

type SourceRead = {
  readonly table: TableDefinition
  readonly range: Range
  /** Of the sources, before the INSERT. */
  readonly before: Fingerprint
  /** Of the probe: it may be older than the loss, where the fingerprint is not. */
  readonly buckets: Buckets
  /** Estimated by the probe. */
  readonly rowsExpected: number
  /** What the INSERT has read of all its tables; undefined if its rows were read by another statement. */
  readonly rowsRead: number | undefined
}

/**
 * A block has at least one row: the sources are asked again only if the INSERT has read fewer rows than they had blocks, or if none is
 * left where the probe estimated some.
 * @throws BackfillError `failed` if rows are gone
 */
export async function assertSourcesLeft(
  { source }: Pick<Ports, 'source'>,
  { table, range, before, buckets, rowsExpected, rowsRead }: SourceRead,
): Promise<void> {
  const most = Math.max(0, ...[...before.values()].map(({ blocks }) => blocks))
  const isSuspicious = most === 0 ? rowsExpected >= 1 : rowsRead !== undefined && rowsRead < most
  if (!isSuspicious) return
  const probed = wholeBuckets(buckets, range)
  const known = most === 0 ? knownFingerprint(buckets, probed) : before
  const now = await source.fingerprint(table.sources, most === 0 ? probed : range)
  if (known === undefined || !sourceRowsPruned(known, now, { hasTimes: true })) return
  const lost = [...known].filter(([name, had]) => (now.get(name)?.blocks ?? 0) < had.blocks)
  const names = lost.map(([name]) => name).join(', ') || table.sources.join(', ')
  throw failedError(
    `${names} lost rows while ${namedBlocks([range])} of ${table.key} were computed`,
    'Run backfill up again when the source has its rows',
  )
}

/** The buckets that the range touches: an estimate spreads the rows of a bucket over its blocks. */
function wholeBuckets(buckets: Buckets, { from, to }: Range): Range {
  const touched = [...buckets.values()].flat().filter(({ first, last }) => first <= to && last >= from)
  return {
    from: Math.min(from, ...touched.map(({ first }) => first)),
    to: Math.max(to, ...touched.map(({ last }) => last)),
  }
}
