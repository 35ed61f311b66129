// Owns the doing again of what failed by something that passes: a server that was away, or that was too busy.
import { retryOf } from '../model/errors.ts'
import { backoffMs, MAX_ATTEMPTS } from './error-codes.ts'
import { sleep } from '../seam/clock.ts'
import { randomFraction } from '../seam/random.ts'

export type Waiting = {
  readonly queries: { reachable(retryPolicy: RetryPolicy): Promise<void> }
  readonly retryPolicy: RetryPolicy
  /** For what is small itself: too little memory or time is the server's state then, and passes. */
  readonly small?: boolean
}

/**
 * Does `work`, which must bear to be done twice, until it succeeds.
 * @throws BackfillError what it threw, where that does not pass or has not passed in time
 */
export async function withRetry<T>(
  { queries, retryPolicy, small = false }: Waiting,
  work: () => Promise<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt++)
    try {
      return await work()
    } catch (error) {
      const decision = retryOf(error)
      const passes = decision === 'split' ? small : decision !== 'stop'
      if (!passes || attempt === MAX_ATTEMPTS || retryPolicy.signal.aborted) throw error
      if (decision === 'reconnect') await queries.reachable(retryPolicy)
      await backOff(attempt, retryPolicy.signal)
    }
}

/** Waits before the try after `attempt`; no longer than until the signal. */
export async function backOff(attempt: number, signal: AbortSignal): Promise<void> {
  await sleep(backoffMs(attempt, randomFraction()), signal)
}

/** How long, and until when, a server that is away is waited for. */
export type RetryPolicy = { readonly giveUpMs: number; readonly signal: AbortSignal }
