// Owns noticing that a connection has fallen silent: what stands between keeps it open, and no answer will ever come.
import type { Readable } from 'node:stream'
import { type InUse, isServers } from './http-agent.ts'
import { sleep } from '../seam/clock.ts'
import { replaceable } from '../seam/replaceable.ts'

/** The server stops a statement after an hour; `max_execution_time` is pinned so that no profile shortens this. */
export const MAX_EXECUTION_SECONDS = 3600

/**
 * After each `lookMs` in which nothing has moved, a look at the server has `answerMs`: at most 56 s for two looks. Where
 * looks say nothing, a connection is given up after `lastMs`: later than the server's own limit, whose error people read.
 */
const LIMITS = { lookMs: 12_000, answerMs: 10_000, lastMs: (MAX_EXECUTION_SECONDS + 60) * 1000 }

const { present, replace } = replaceable(LIMITS)

export const silenceLimits = present
export const replaceSilenceLimits = (some: Partial<typeof LIMITS>) => replace({ ...LIMITS, ...some })

export type Lookout = InUse & {
  /** Whether a server runs it; undefined where that cannot be told, as where the server refuses the question. */
  readonly isRunning: () => Promise<boolean | undefined>
}

/** `code`: `SILENT` if the server answers on another connection, `SILENT_SERVER` if it does not. */
export function silent(answers: boolean): Error {
  return Object.assign(new Error('the connection has fallen silent'), {
    code: answers ? 'SILENT' : 'SILENT_SERVER',
  })
}

/** Ends the wait for an answer when the server runs the statement no more. @param restOf what is read later: it fails in the same way */
export async function unlessSilent<T>(
  send: () => Promise<T>,
  lookout: Lookout,
  restOf?: (answer: T) => Readable,
): Promise<T> {
  const over = new AbortController()
  let rest: Readable | undefined
  const silence = untilSilent(lookout, () => rest, over.signal).then((error) => {
    rest?.destroy(error)
    lookout.end(error)
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

/** Resolves with the error when two looks have found nothing; never, if the answer has come before. */
async function untilSilent(
  { isRunning, moved }: Lookout,
  rest: () => Readable | undefined,
  over: AbortSignal,
): Promise<Error> {
  for (let missed = 0, before: number | undefined = 0; ;) {
    // These times keep no process alive.
    await sleep(present().lookMs, over, false)
    if (over.aborted) return new Promise(() => {})
    const now = moved()
    const isStill = now !== undefined && now === before
    before = now
    // Rows that nobody has read yet: we are slow, not the server.
    if (!isStill || (rest()?.readableLength ?? 0) > 0) missed = 0
    else {
      const unanswered = sleep(present().answerMs, over, false).then(() => null)
      const runs = await Promise.race([isRunning(), unanswered]).catch((error: unknown) =>
        isServers(error) ? undefined : null,
      )
      if (runs === true) missed = 0
      else if (runs !== undefined && ++missed === 2) return silent(runs !== null)
    }
  }
}
