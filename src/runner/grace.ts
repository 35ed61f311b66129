// Owns the end of INSERTs that outlast the grace of an interrupted run.
import { every, after } from '../seam/clock.ts'

/** A statement that was about to begin may escape the first time. */
const KILL_AGAIN_MS = 1_000

/** If the run was interrupted, kills what runs after the grace, again and again. Returns a function that ends it. */
export function killAfterGrace({ aborted }: AbortSignal, graceMs: number, kill: () => Promise<void>) {
  if (!aborted) return () => {}
  let killing: Promise<unknown> | undefined
  const killAll = () => {
    killing ??= kill()
      .catch(() => undefined)
      .finally(() => (killing = undefined))
  }
  let again: (() => void) | undefined
  const cancel = after(graceMs, () => {
    killAll()
    again = every(KILL_AGAIN_MS, killAll)
  })
  return () => {
    cancel()
    again?.()
  }
}
