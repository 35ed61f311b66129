// Owns noticing that a connection has fallen silent: what stands between keeps it open, and no answer will ever come.
import type { Readable } from 'node:stream'
import { after } from '../seam/clock.ts'

/** The server is asked after each `lookMs` in which nothing has arrived, and has `answerMs`: at most 50 s for two looks. */
const LIMITS = { lookMs: 15_000, answerMs: 10_000 } as const

let present: { readonly lookMs: number; readonly answerMs: number } = LIMITS

/** How long the server has to say whether a statement runs, in ms. */
export const answerMs = () => present.answerMs

/** For tests only: other limits from now on. Returns a function that restores the usual ones. */
export function replaceSilenceLimits(limits: typeof present): () => void {
  present = limits
  return () => void (present = LIMITS)
}

/** What is known of a statement whose answer has not come. */
export type Lookout = {
  /** Whether the server runs it, as far as it can tell. Rejects where the server does not answer. */
  readonly isRunning: () => Promise<boolean>
  /** Grows while bytes arrive; undefined while its rows are still on their way to the server. */
  readonly arrived: () => number | undefined
  /** Closes its connection. */
  readonly end: () => void
}

/** `code`: `SILENT` if the server answers on another connection, `SILENT_SERVER` if it does not. */
export function silent(answers: boolean): Error {
  return Object.assign(new Error('the connection has fallen silent'), {
    code: answers ? 'SILENT' : 'SILENT_SERVER',
  })
}

/**
 * Sends a statement, and ends the waiting for its answer when the server has stopped running it and nothing arrives.
 * @param restOf the part of the answer that is read later: it fails in the same way
 */
export async function unlessSilent<T>(
  send: () => Promise<T>,
  lookout: Lookout,
  restOf?: (answer: T) => Readable,
): Promise<T> {
  const over = new AbortController()
  let rest: Readable | undefined
  const silence = untilSilent(lookout, () => rest, over.signal).then((error) => {
    rest?.destroy(error)
    lookout.end()
    throw error
  })
  silence.catch(() => {})
  try {
    const answer = await Promise.race([send(), silence])
    rest = restOf?.(answer)
    rest?.once('close', () => over.abort())
    return answer
  } finally {
    if (rest === undefined) over.abort()
  }
}

/** Resolves after so many ms, or as soon as it is over. Nothing waits for it: it keeps no process alive. */
function time(ms: number, over: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const end = () => resolve()
  const cancel = after(ms, end)
  over.addEventListener('abort', end)
  return promise.finally(() => {
    cancel()
    over.removeEventListener('abort', end)
  })
}

/** Resolves with the error when two looks have found nothing; never, if the answer has come before. */
async function untilSilent(
  { isRunning, arrived }: Lookout,
  rest: () => Readable | undefined,
  over: AbortSignal,
): Promise<Error> {
  for (let missed = 0, before = arrived(); ; before = arrived()) {
    await time(present.lookMs, over)
    if (over.aborted) return new Promise(() => {})
    // Rows that nobody has read yet: we are slow, not the server.
    if (arrived() === undefined || arrived() !== before || (rest()?.readableLength ?? 0) > 0) missed = 0
    else {
      const runs = await isRunning().catch(() => undefined)
      missed = runs ? 0 : missed + 1
      if (missed === 2) return silent(runs !== undefined)
    }
  }
}
