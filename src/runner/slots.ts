// Owns how many INSERTs run at once.
import pLimit from 'p-limit'
import type { Throttle } from './throttle.ts'

/** Below so many expected rows, a chunk waits for the ledger longer than for its INSERT. */
const SMALL_ROWS = 100_000

/** Small chunks in a slot: the ledger's statements of one run beside the INSERT of another. */
const SMALL_CHUNKS = 4

/** Where a person has said how many statements may run at once, a small chunk takes a whole slot, too. */
export function openInsertSlots({ jobs, isJobsSaid }: Pick<Throttle, 'jobs' | 'isJobsSaid'>) {
  const inserting = pLimit(1)
  let taken = 0
  return {
    /** Whether another chunk may start. Pauses and limits change it. */
    isFree: (): boolean => taken < jobs(),
    /** Takes the chunk's part of a slot. Returns a function that gives it back. */
    take(rows: number): () => void {
      const part = rows < SMALL_ROWS && !isJobsSaid() ? 1 / SMALL_CHUNKS : 1
      taken += part
      return () => void (taken -= part)
    },
    /** Runs an INSERT when fewer than `jobs` are running. */
    insert<Report>(work: () => Promise<Report>): Promise<Report> {
      inserting.concurrency = Math.max(1, jobs())
      return inserting(work)
    },
  }
}
