// Owns the digest of a range's rows: two sums, so digests of adjoining ranges add up. Pure.

export type Digest = {
  /** Number of rows as FINAL shows them. */
  readonly rows: number
  /** Sum of the rows' 64-bit hashes, modulo 2^64, decimal. It finds accidents, not forgers. */
  readonly sum: string
  /** Names the columns that were hashed, with their types; digests over other columns cannot be compared. */
  readonly columns: string
}

/** Before `columns` where a column was left out, because its value differs each time: equal rows may differ in it. */
export const PARTIAL = 'partial-'

/** The digest of all ranges together; undefined if one is unknown, if there is none, or if their columns differ. */
export function addDigests(digests: readonly (Digest | undefined)[]): Digest | undefined {
  const [first] = digests
  if (first === undefined) return undefined
  let [rows, sum] = [0, 0n]
  for (const digest of digests) {
    if (digest?.columns !== first.columns) return undefined
    rows += digest.rows
    sum += BigInt(digest.sum)
  }
  return { rows, sum: String(BigInt.asUintN(64, sum)), columns: first.columns }
}

/** Whether both are known and of the same rows. A digest that leaves a column out cannot say so. */
export function isSameDigest(one: Digest | undefined, other: Digest | undefined): boolean {
  return (
    one !== undefined &&
    !one.columns.startsWith(PARTIAL) &&
    one.columns === other?.columns &&
    one.rows === other.rows &&
    one.sum === other.sum
  )
}
