// Owns what `diff` tells: two versions of a table's SQL and the ranges that each has built (types only).
import type { Range } from '../../model/blocks.ts'
import type { StaleReport } from '../../planning/stale-reports.ts'

/** One version of a table's SQL. */
export type DiffSide = {
  readonly sqlHash: string
  /** Undefined, as the rest, where no text was kept. */
  readonly rawHash: string | undefined
  readonly file: string | undefined
  readonly text: string | undefined
  /** ISO 8601 UTC; undefined for the file as it is now, too. */
  readonly keptAt: string | undefined
}

export type DiffReport = {
  readonly table: string
  /** With its database. */
  readonly target: string
  /** Of the file. */
  readonly sqlHash: string
  readonly cure: string
  /** Done ranges that are as the file would build them. */
  readonly current: readonly Range[]
  readonly stale: readonly StaleReport[]
  readonly from: DiffSide
  readonly to: DiffSide
  /** `form`: comments, formatting, or header lines that change no row. `unknown`: one of the texts was not kept. */
  readonly change: 'none' | 'form' | 'sql' | 'unknown'
}
