// Owns stale tags: words before the hash in the ledger that make a done range stale although its SQL is unchanged.
import { type BlockSet, blockSet, countBlocks, type Range } from '../model/blocks.ts'
import type { TableDefinition } from '../model/model.ts'

/**
 * `mixed`: the range may hold rows of an earlier attempt, from another version of the SQL or from other source rows.
 * `late`: source rows have changed since the range was built.
 */
export type StaleReason = 'mixed' | 'late'

const REASONS: readonly StaleReason[] = ['mixed', 'late']

/** Splits a ledger's SQL hash into its stale tag (the range is stale even if the SQL is unchanged) and the bare hash. */
export function splitStaleTag(sqlHash: string): {
  readonly reason: StaleReason | undefined
  readonly hash: string
} {
  const reason = REASONS.find((word) => sqlHash.startsWith(`${word}-`))
  return { reason, hash: reason === undefined ? sqlHash : sqlHash.slice(reason.length + 1) }
}

/** A hash with a stale tag before it; an existing tag is replaced. */
export function withStaleTag(reason: StaleReason, sqlHash: string): string {
  return `${reason}-${splitStaleTag(sqlHash).hash}`
}

/** Every form in which the ledger may hold a hash. */
export function everyForm(hash: string): readonly string[] {
  return [hash, ...REASONS.map((reason) => withStaleTag(reason, hash))]
}

/** The first digits of a hash, for people. */
export function shortHash(sqlHash: string): string {
  return splitStaleTag(sqlHash).hash.slice(0, SHORT)
}

const SHORT = 8

/** An island of the ledger. */
export type Colored = Range & { readonly state: string; readonly sqlHash: string }

/** Done ranges that one version of the SQL built and that the file would build differently now. */
export type StaleVersion = {
  /** As in the ledger, stale tag included. */
  readonly sqlHash: string
  /** Without the stale tag. */
  readonly hash: string
  /** Why they are stale, in addition to or instead of changed SQL. */
  readonly reason: StaleReason | undefined
  /** Whether the SQL that built them is not the file's. */
  readonly edited: boolean
  readonly blocks: BlockSet
}

/** The stale ranges of a table whose file has the hash `current`; versions with the most blocks first, then the oldest. */
export function staleVersions(islands: readonly Colored[], current: string): readonly StaleVersion[] {
  const stale = islands.filter(({ state, sqlHash }) => state === 'done' && sqlHash !== current)
  return [...Map.groupBy(stale, ({ sqlHash }) => sqlHash)]
    .map(([sqlHash, of]): StaleVersion => {
      const { reason, hash } = splitStaleTag(sqlHash)
      return { sqlHash, hash, reason, edited: hash !== current, blocks: blockSet(of) }
    })
    .toSorted(
      (a, b) => countBlocks(b.blocks) - countBlocks(a.blocks) || a.blocks[0]!.from - b.blocks[0]!.from,
    )
}

/** All blocks of the versions. */
export function staleBlocks(versions: readonly StaleVersion[]): BlockSet {
  return blockSet(versions.flatMap(({ blocks }) => blocks))
}

/** The command to type. Rows of a `per-key` table cannot be deleted by range, so only the whole table can be rebuilt. */
export function hintOf({ key, rows }: Pick<TableDefinition, 'key' | 'rows'>): string {
  if (rows.kind === 'per-block' && rows.deletedFirst === true) return 'backfill import --changed'
  return rows.kind === 'per-block' ? `backfill redo ${key} --stale` : `backfill rebuild ${key}`
}
