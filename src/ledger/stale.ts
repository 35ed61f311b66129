// Owns the marks that make a done range stale although its SQL is that of the file: words before the hash in the ledger.

/**
 * `mixed`: rows of an earlier try, of another version of the SQL or of other source rows, may stand among the range's.
 * `late`: source rows have changed since the range was built.
 */
export type StaleReason = 'mixed' | 'late'

const REASONS: readonly StaleReason[] = ['mixed', 'late']

/** An SQL hash as the ledger holds it, taken apart: why the range is stale whatever the file says, and the hash alone. */
export function markOf(sqlHash: string): {
  readonly reason: StaleReason | undefined
  readonly hash: string
} {
  const reason = REASONS.find((word) => sqlHash.startsWith(`${word}-`))
  return { reason, hash: reason === undefined ? sqlHash : sqlHash.slice(reason.length + 1) }
}

/** A hash with a mark before it; a mark that is there already is replaced. */
export function marked(reason: StaleReason, sqlHash: string): string {
  return `${reason}-${markOf(sqlHash).hash}`
}

/** Every form in which the ledger may hold a hash. */
export function everyForm(hash: string): readonly string[] {
  return [hash, ...REASONS.map((reason) => marked(reason, hash))]
}

/** As much of a hash as people read and type. */
export function shortHash(sqlHash: string): string {
  return markOf(sqlHash).hash.slice(0, SHORT)
}

const SHORT = 8
