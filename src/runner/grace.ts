// Owns the end of INSERTs that outlast the grace of an interrupted run.
import { after, every } from '../seam/clock.ts'
import type { RunContext } from './prepare.ts'

/** A statement that was about to begin may escape the first time. */
const KILL_AGAIN_MS = 1_000

type Killed = Pick<RunContext, 'ports' | 'inFlight' | 'options'>

/** If the run was interrupted, kills what runs after the grace, again and again. Returns a function that ends it. */
export function killAfterGrace(interrupted: AbortSignal, { ports, inFlight, options }: Killed): () => void {
  let killing: Promise<unknown> | undefined
  const killAll = () => {
    killing ??= ports.queries
      .end([...inFlight])
      .catch(() => undefined)
      .finally(() => (killing = undefined))
  }
  let again: (() => void) | undefined
  if (!interrupted.aborted) return () => {}
  const grace = after(options.graceMs, () => {
    killAll()
    again = every(KILL_AGAIN_MS, killAll)
  })
  return () => {
    grace()
    again?.()
  }
}
