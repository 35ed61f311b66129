// Owns the type of a chunk to run: a range with its estimates, and the shared step.
import type { Range } from '../model/blocks.ts'
import type { StepSession } from './executor-port.ts'
import type { SourceFacts } from '../sources/fingerprint.ts'

/** A range to run, the rows that the probe found for it, and the fingerprint of its sources, if the probe knows it. */
export type ChunkWork = {
  readonly range: Range
  readonly rows: number
  readonly fingerprint: ReadonlyMap<string, SourceFacts> | undefined
  readonly stepSession: StepSession | undefined
}

/** A chunk that a table runs after its partner has computed the shared step; its blocks are not runnable meanwhile. */
export type Reservation = Range & { readonly work: ChunkWork; readonly ready: boolean }

/**
 * Records the end of a chunk: the table's partner uses the shared step, which has read the sources as of `fingerprint`;
 * without a fingerprint there is no shared step, and the partner computes the range itself.
 */
export type ConfirmReservation = (
  work: ChunkWork,
  fingerprint: ReadonlyMap<string, SourceFacts> | undefined,
) => void
