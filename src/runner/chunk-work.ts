// Owns what is handed to a table to run: a range with what is known of it, and a step that it may share.
import type { Range } from '../model/blocks.ts'
import type { StepSession } from './executor-port.ts'
import type { SourceFacts } from '../sources/fingerprint.ts'

/** A range to run, the rows that the probe found for it, and the fingerprint of its sources, where the probe knows it. */
export type ChunkWork = {
  readonly range: Range
  readonly rows: number
  readonly fingerprint: ReadonlyMap<string, SourceFacts> | undefined
  readonly stepSession: StepSession | undefined
}

/** A piece that a table is to take once its partner has computed the shared step; its blocks are not runnable meanwhile. */
export type Reservation = Range & { readonly work: ChunkWork; readonly ready: boolean }

/**
 * Books how a piece ended: the table's partner takes over the shared step, which has seen the sources as of `fingerprint`;
 * or computes the range for itself, where there is none.
 */
export type ConfirmReservation = (
  work: ChunkWork,
  fingerprint: ReadonlyMap<string, SourceFacts> | undefined,
) => void
