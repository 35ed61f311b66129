// Owns noticing rows in a range that its INSERT has not written: written by hand, by another program, or by a statement that arrived twice.
import { type BlockSet, intersect, namedBlocks, type Range } from '../model/blocks.ts'
import type { Digest } from '../model/digest.ts'
import { failedError } from '../model/errors.ts'
import type { TableDefinition } from '../model/model.ts'
import { isCollapsing } from '../targets/compared-columns.ts'
import type { Ports } from './workspace.ts'

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
    `\`backfill redo ${table.key} --from ${range.from} --to ${range.to}\` deletes them all and builds the blocks again`,
  )
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
    `\`backfill redo ${table.key} --from ${range.from} --to ${range.to}\` deletes them all and builds the blocks again`,
  )
}
