// Owns how a digest is read from an event of the ledger.
import { sql } from 'kysely'
import type { Digest } from '../model/digest.ts'

/** `[rows, sum, columns]`; no columns: unknown. Sums are above 2^53, so they travel as text. */
export type DigestTuple = readonly [rows: number, sum: string, columns: string]

export const DIGEST = sql<DigestTuple>`(ifNull(digest_rows, 0), toString(ifNull(digest_sum, 0)),
  if(event = 'done', toString(digest_columns), ''))`

export function readDigest([rows, sum, columns]: DigestTuple): Digest | undefined {
  return columns === '' ? undefined : { rows, sum, columns }
}
