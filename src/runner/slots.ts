// Owns how many INSERTs run at once.
import pLimit from 'p-limit'

/** Below so many expected rows, a chunk waits for the ledger longer than for its INSERT. */
const SMALL_ROWS = 100_000

/** Small chunks in a slot: the ledger's statements of one run beside the INSERT of another. */
const SMALL_CHUNKS = 4

export type InsertSlots = ReturnType<typeof openInsertSlots>

/** `jobs`: INSERTs at once, now. */
export function openInsertSlots(jobs: () => number) {
  const inserting = pLimit(1)
  let taken = 0
  return {
    /** Whether another chunk may start. Pauses and limits change it. */
    isFree: (): boolean => taken < jobs(),
    /** Takes the chunk's part of a slot. Returns a function that gives it back. */
    take(rows: number): () => void {
      const part = rows < SMALL_ROWS ? 1 / SMALL_CHUNKS : 1
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
