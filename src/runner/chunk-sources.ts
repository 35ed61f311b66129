// Owns noticing that the sources lost rows while a chunk was computed: a loader that truncates first, a table that was exchanged.
import { namedBlocks, type Range } from '../model/blocks.ts'
import { failedError } from '../model/errors.ts'
import type { TableDefinition } from '../model/model.ts'
import { type Fingerprint, sourceRowsPruned } from '../sources/fingerprint.ts'
import type { Ports } from './workspace.ts'

type SourceRead = {
  readonly table: TableDefinition
  readonly range: Range
  /** Of the sources, before the INSERT. */
  readonly before: Fingerprint
  /** What the INSERT has read of all its tables; undefined if its rows were read by another statement. */
  readonly rowsRead: number | undefined
}

/**
 * A block has at least one row: the sources are asked again only if the INSERT has read fewer rows than they had blocks.
 * @throws BackfillError `failed` if rows are gone
 */
export async function assertSourcesLeft(
  { source }: Pick<Ports, 'source'>,
  { table, range, before, rowsRead }: SourceRead,
): Promise<void> {
  const most = Math.max(0, ...[...before.values()].map(({ blocks }) => blocks))
  if (rowsRead === undefined || rowsRead >= most) return
  const now = await source.fingerprint(table.sources, range)
  if (!sourceRowsPruned(before, now, { hasTimes: true })) return
  const lost = [...before].filter(([name, had]) => (now.get(name)?.blocks ?? 0) < had.blocks)
  const names = lost.map(([name]) => name).join(', ') || table.sources.join(', ')
  throw failedError(
    `${names} lost rows while ${namedBlocks([range])} of ${table.key} were computed`,
    'Run backfill up again when the source has its rows',
  )
}
