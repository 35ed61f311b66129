// Owns the words for stale ranges: the reasons, and the tags before a hash in the ledger that make a done range stale
// although nothing else says so.
import { type BlockSet, blockSet } from '../model/blocks.ts'
import type { TableDefinition } from '../model/model.ts'

/** Why a done range is stale, in the order in which reasons are shown. */
export const STALE_REASONS = ['sql', 'forks', 'limits', 'inputs', 'sources', 'mixed'] as const

/**
 * `sql`: the transform is another one now. `forks`: a fork that it uses has another block. `limits`: the table holds the
 * blocks no more. `inputs`: a derived table that it reads has changed since. `sources`: source rows have changed since
 * (found by `verify --sources`). `mixed`: rows of an earlier attempt, which may differ, could not be deleted.
 */
export type StaleReason = (typeof STALE_REASONS)[number]

/** Reasons that the ledger itself keeps, as a word before the hash. */
const TAGS = ['mixed', 'sources', 'inputs'] as const

export type StaleTag = (typeof TAGS)[number]

/** Tags of `done` events that only mark what is there: they changed no row. */
export const MARKS: readonly StaleTag[] = ['sources', 'inputs']

/** Splits a ledger's SQL hash into its stale tag (the range is stale even if the SQL is unchanged) and the bare hash. */
export function splitStaleTag(sqlHash: string): {
  readonly reason: StaleTag | undefined
  readonly hash: string
} {
  const reason = TAGS.find((word) => sqlHash.startsWith(`${word}-`))
  return { reason, hash: reason === undefined ? sqlHash : sqlHash.slice(reason.length + 1) }
}

/** A hash with a stale tag before it; an existing tag is replaced. */
export function withStaleTag(reason: StaleTag, sqlHash: string): string {
  return `${reason}-${splitStaleTag(sqlHash).hash}`
}

/** Every form in which the ledger may hold a hash. */
export function everyForm(hash: string): readonly string[] {
  return [hash, ...TAGS.map((reason) => withStaleTag(reason, hash))]
}

export function shortHash(sqlHash: string): string {
  return splitStaleTag(sqlHash).hash.slice(0, 8)
}

/** Done ranges that one version of the SQL built and that are stale for the same reasons. */
export type StaleVersion = {
  /** As in the ledger, stale tag included. */
  readonly sqlHash: string
  /** Without the stale tag. */
  readonly hash: string
  /** At least one, in the order of `STALE_REASONS`. */
  readonly reasons: readonly StaleReason[]
  readonly blocks: BlockSet
}

export function staleBlocks(versions: readonly StaleVersion[]): BlockSet {
  return blockSet(versions.flatMap(({ blocks }) => blocks))
}

/**
 * The command to type. Rows of a `per-key` table cannot be deleted by range, so only the whole table can be rebuilt. Of a table that one of
 * `tables` reads, `redo` with its name refuses until `--cascade` is typed.
 */
export function hintOf(
  { key, rows }: Pick<TableDefinition, 'key' | 'rows'>,
  tables: readonly Pick<TableDefinition, 'after'>[],
): string {
  if (rows.kind === 'per-key') return `backfill rebuild ${key}`
  if (rows.deletedFirst === true) return 'backfill import --changed'
  const isRead = tables.some(({ after }) => after.includes(key))
  return `backfill redo ${isRead ? '' : `${key} `}--stale`
}
