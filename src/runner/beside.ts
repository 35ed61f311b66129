// Owns what goes on beside a run: naming the node of a cluster that it waits for before any statement has failed (a machine that
// hangs holds one for minutes), and the end of INSERTs that outlast the grace of an interrupted run.
import type { RetryPolicy } from '../clickhouse/retry.ts'
import { every, after } from '../seam/clock.ts'
import type { Queries } from './query-fate.ts'

const ASK_MS = 30_000

/** Asks until the returned function is called. Asks nothing where there is no cluster with Keeper. */
export function watchNodes(queries: Pick<Queries, 'nodesReachable'>, retryPolicy: RetryPolicy): () => void {
  const ended = new AbortController()
  const { signal } = ended
  const unreachable = (node: string | undefined) => signal.aborted || retryPolicy.unreachable?.(node)
  let asking: Promise<void> | undefined
  const cancel = every(ASK_MS, () => {
    // What is wrong beyond that, the run's statements say.
    asking ??= queries
      .nodesReachable({ giveUpMs: Infinity, signal, unreachable: (node) => void unreachable(node) })
      .catch(() => undefined)
      .finally(() => (asking = undefined))
  })
  return () => {
    cancel()
    ended.abort()
  }
}

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
