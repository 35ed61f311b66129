// Owns naming the node of a cluster that a run waits for before any statement has failed: a machine that hangs, or whose
// packets are lost, holds one for minutes.
import type { RetryPolicy } from '../clickhouse/retry.ts'
import { every } from '../seam/clock.ts'
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
