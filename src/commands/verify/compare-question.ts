// Owns the types shared by the parts of a comparison: the question about one chunk, sums and differing keys.
import type { Range } from '../../model/blocks.ts'
import type { TableDefinition } from '../../model/model.ts'
import type { DifferenceKind, Sums } from './report.ts'
import type { Server } from '../../clickhouse/server.ts'
import type { Sides } from './compare-sides.ts'

/** Runs a query with the parameters and settings of the chunk. @throws BackfillError */
export type Ask = <Row>(
  server: Server,
  query: string,
  params?: Readonly<Record<string, unknown>>,
) => Promise<Row[]>

/** One chunk of one table, its SQL, and the servers. */
export type Question = {
  readonly table: TableDefinition
  readonly range: Range
  readonly sides: Sides
  /** The server that computes the transform; the same object as `target` if it is the same server. */
  readonly reader: Server
  readonly target: Server
  readonly ask: Ask
}

/** Counts of differing keys, with examples: the hex of `backfill_key`. */
export type KeyDifferences = {
  readonly counts: Readonly<Record<DifferenceKind, number>>
  readonly keys: readonly { readonly kind: DifferenceKind; readonly key: string }[]
  readonly atLeast: boolean
}

export const NO_DIFFERENCES: KeyDifferences = {
  counts: { missing: 0, unexpected: 0, different: 0, behind: 0 },
  keys: [],
  atLeast: false,
}

/** Example keys of each kind of difference. */
export const EXAMPLES = 3

/** The sums of a side, as columns over its rows. */
export const SUMS =
  'count() AS row_count, uniqExact(backfill_key) AS key_count, toString(sum(backfill_hash)) AS hash'

export type SumsRow = { readonly row_count: number; readonly key_count: number; readonly hash: string }

export function sumsOf(row: SumsRow | undefined): Sums {
  return { rows: row?.row_count ?? 0, keys: row?.key_count ?? 0, hash: row?.hash ?? '0' }
}
