// Owns noticing rows in a range that its INSERT has not written (by hand, by another program, by a statement that arrived twice), and
// sources that lost rows while it was computed (a loader that truncates first, a table that was exchanged).
import { type BlockSet, intersect, namedBlocks, type Range, rangeFlags } from '../model/blocks.ts'
import type { Digest } from '../model/digest.ts'
import { failedError } from '../model/errors.ts'
import type { TableDefinition } from '../model/model.ts'
import { isCollapsing } from '../targets/compared-columns.ts'
import { emptiedSentence } from '../planning/absence.ts'
import type { TargetTable } from '../targets/target.ts'
import type { Ports } from './workspace.ts'
import {
  type Buckets,
  type Fingerprint,
  knownFingerprint,
  newestRowsWent,
  sourceRowsPruned,
} from '../sources/fingerprint.ts'

type WrittenRows = {
  readonly table: TableDefinition
  readonly range: Range
  readonly rowsWritten: number
  /** Of the range, after the INSERT; undefined: unknown. */
  readonly digest: Digest | undefined
  /** Blocks that may hold rows of an earlier try, which could not be deleted: they are stale anyway. */
  readonly mixed: BlockSet
}

/**
 * Before the INSERT, where the engine sums or otherwise folds rows of a key: afterwards nobody can tell that others stood there.
 * @throws BackfillError `failed` if the range has rows
 */
export async function assertNoRowsYet(
  { executor }: Pick<Ports, 'executor'>,
  { table, engine, range }: Pick<WrittenRows, 'table' | 'range'> & { readonly engine: string },
): Promise<void> {
  const isFolding = isCollapsing({ engine }) && !engine.includes('Replacing')
  if (!isFolding || table.rows.kind !== 'per-block') return
  if ((await executor.count(table, [range])) === 0) return
  throw failedError(
    `${table.target} has rows in ${namedBlocks([range])} that no run has written, and ${engine} would add the new ones to them`,
    `\`backfill redo ${table.key} ${rangeFlags(range)}\` deletes them all and builds the blocks again`,
  )
}

/**
 * Before the INSERT, of a table that keeps a row per key: with its rows the table would no longer be empty, and nothing else tells that the others
 * are lost. @throws BackfillError `failed` if the table was emptied since the run has looked at it
 */
export async function assertNotEmptied(
  ports: Pick<Ports, 'ledger' | 'target'>,
  table: TableDefinition,
  uuid: string,
): Promise<void> {
  if (table.rows.kind === 'per-block') return
  const rows = async () => (await ports.target.identities([table.target])).get(table.target)?.rows
  if ((await rows()) !== 0 || (await ports.ledger.written(table.key, uuid)).rowsWritten === 0) return
  // A successor may have written between the two answers, if this process stood still.
  if ((await rows()) !== 0) return
  throw failedError(...(await emptiedSentence(ports, table)))
}

/** Merges make fewer rows, never more. @throws BackfillError `failed` if the range has more rows than were written */
export function assertNoOtherRows({ table, range, rowsWritten, digest, mixed }: WrittenRows): void {
  // Source tables hold the rows of other networks, too.
  const isShared = table.rows.kind === 'per-block' && table.rows.deletedFirst === true
  if (digest === undefined || isShared || intersect(mixed, [range]).length > 0) return
  const { rows } = digest
  if (rows <= rowsWritten) return
  throw failedError(
    `${table.target} has ${rows} rows in ${namedBlocks([range])}, but only ${rowsWritten} were written: something else has written rows of these blocks, or the statement arrived twice`,
    `\`backfill redo ${table.key} ${rangeFlags(range)}\` deletes them all and builds the blocks again`,
  )
}

/**
 * Rows that become one are fewer than were written, and so are rows of which some have positions of other ranges: the first time the range is computed
 * once more. @throws BackfillError `failed` if the transform yields rows outside of the range
 */
export async function assertNoRowsOutside(
  { executor }: Pick<Ports, 'executor'>,
  run: { readonly tableStatus: { readonly target?: TargetTable | undefined }; yieldsSeveral: boolean },
  { table, range, rowsWritten, digest }: Omit<WrittenRows, 'mixed'>,
): Promise<void> {
  if (run.yieldsSeveral || digest === undefined || digest.rows >= rowsWritten) return
  const found = await executor.outside({ table, target: run.tableStatus.target!, range })
  if (found !== undefined && found.rows > 0)
    throw failedError(
      `the transform of ${table.key} yields ${found.rows} rows outside of ${namedBlocks([range])}, at ${found.first} to ${found.last}: a redo of these blocks would leave them, or delete those of others`,
      `Correct ${table.transform.file}: a row belongs to the range that has its ${table.position}; then \`backfill redo ${table.key} ${rangeFlags(range)}\``,
    )
  run.yieldsSeveral = true
}

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
  if (known === undefined || !(sourceRowsPruned(known, now) || newestRowsWent(known, now))) return
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
