// Owns retries of work that failed with a transient error: server unreachable or overloaded.
import { BackfillError, retryOf } from '../model/errors.ts'
import { backoffMs, MAX_ATTEMPTS } from './error-codes.ts'
import { monotonicMs, sleep } from '../seam/clock.ts'
import { randomFraction } from '../seam/random.ts'

type Waiting = {
  readonly queries: { reachable(retryPolicy: RetryPolicy): Promise<void> }
  readonly retryPolicy: RetryPolicy
  /** For small statements: if one runs out of memory or time, the server is overloaded, which is transient. */
  readonly small?: boolean
}

/** Runs `work`, which must be safe to repeat. @throws BackfillError its error, if it is not transient or time is up */
export async function withRetry<T>({ queries, retryPolicy, small = false }: Waiting, work: () => Promise<T>) {
  for (let attempt = 1; ; attempt++)
    try {
      return await work()
    } catch (error) {
      const decision = retryOf(error)
      const passes = decision === 'split' ? small : decision !== 'stop'
      if (!passes || attempt === MAX_ATTEMPTS || retryPolicy.signal.aborted) throw error
      // A node of a cluster may be unreachable although the server that we ask answers.
      if (decision !== 'split') await queries.reachable(retryPolicy)
      await backOff(attempt, retryPolicy.signal)
    }
}

/** Whether a question that failed may well succeed in a moment. A server that is down, or a refused login, does not. */
export function passesSoon(error: unknown): boolean {
  if (!(error instanceof BackfillError)) return false
  if (error.retry !== 'reconnect') return error.retry === 'retry'
  const { code = '', message } = error.cause as NodeJS.ErrnoException
  return PASSES.test(code) || message === 'socket hang up'
}

/** Lost connections, a name server that is busy, and what gateways say for a while (520 to 530 are Cloudflare's). */
const PASSES =
  /^(ECONNRESET|ECONNABORTED|EPIPE|EAI_AGAIN|SILENT|ERR_STREAM_PREMATURE_CLOSE|HTTP (408|425|429|502|503|504|52\d|530))$/

export async function backOff(attempt: number, signal: AbortSignal): Promise<void> {
  await sleep(backoffMs(attempt, randomFraction()), signal)
}

const PING_MS = 1_000

/** Asks who is missing until nobody is. @throws BackfillError the last error when time is up */
export async function untilReachable(
  missing: () => Promise<{ readonly who: string; readonly error: BackfillError } | undefined>,
  { giveUpMs, signal, unreachable }: RetryPolicy,
): Promise<void> {
  const deadline = monotonicMs() + giveUpMs
  for (let told: string | undefined; ;) {
    const found = await missing()
    if (found?.who !== told) unreachable?.(found?.who)
    told = found?.who
    if (found === undefined) return
    if (signal.aborted || monotonicMs() > deadline) throw found.error
    await sleep(PING_MS, signal)
  }
}

/** How long to wait for an unreachable server, and until which signal. */
export type RetryPolicy = {
  readonly giveUpMs: number
  readonly signal: AbortSignal
  /** Told which server is waited for, `source`, `target` or a node of its cluster; undefined: it answers again. */
  readonly unreachable?: (server: string | undefined) => void
  /** Told of a DELETE that takes long, and where; undefined: it has ended. */
  readonly deleting?: (what: string | undefined) => void
}
