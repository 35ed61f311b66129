// Owns noticing rows in a range that its INSERT has not written: written by hand, by another program, or by a statement that arrived twice.
import { type BlockSet, intersect, namedBlocks, type Range } from '../model/blocks.ts'
import type { Digest } from '../model/digest.ts'
import { failedError } from '../model/errors.ts'
import type { TableDefinition } from '../model/model.ts'

type WrittenRows = {
  readonly table: TableDefinition
  readonly range: Range
  readonly rowsWritten: number
  /** Of the range, after the INSERT; undefined: unknown. */
  readonly digest: Digest | undefined
  /** Blocks that may hold rows of an earlier try, which could not be deleted: they are stale anyway. */
  readonly mixed: BlockSet
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
