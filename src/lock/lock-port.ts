// Owns what the runner needs of locks (types only).
import type { LockInfo } from './comment.ts'

/** The lock of one (network, table): the fence that every write carries is made of `name`. */
export type Lock = {
  readonly name: string
  readonly key: string
  readonly epoch: number
  /** Next number within the epoch, 1, 2, 3 …: with the epoch it orders all that is written. */
  nextSeq(): number
  /**
   * Takes the next epoch: `name` and `epoch` change. What was sent before and has not begun is refused from now on.
   * @throws BackfillError `locked` where somebody else has taken it
   */
  renew(): Promise<void>
  /** Says in the lock's comment that it is free. Never throws. */
  release(): Promise<void>
}

export type LockPort = {
  /**
   * Creates the next epoch of the table's lock; waits first, for up to 20 s, to see whether its holder still lives,
   * and for `waitMs` for one that does.
   * @throws BackfillError `locked` where it still holds the lock then
   */
  acquire(key: string, note: (text: string) => void, waitMs?: number): Promise<Lock>
  /**
   * Frees a lock whoever holds it: what the holder sends from now on is refused. Returns the holder, undefined where
   * there never was a lock.
   */
  takeOver(key: string): Promise<LockInfo | undefined>
  /** The highest epoch of every table key's lock; a key without one is absent. */
  holders(): Promise<ReadonlyMap<string, LockInfo>>
}
