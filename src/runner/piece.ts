// Owns what is handed to a table to run: a range with what is known of it, and a step that it may share.
import type { Range } from './model.ts'
import type { Pass } from './ports.ts'

/** A range to run, the rows that the probe found for it, and the fingerprint of its sources, where the probe knows it. */
export type Piece = {
  readonly range: Range
  readonly rows: number
  readonly fingerprint: string | undefined
  readonly pass: Pass | undefined
}

/** A piece that a table is to take once its kin has computed the shared step; its blocks are not runnable meanwhile. */
export type Offer = Range & { readonly piece: Piece; readonly ready: boolean }
