// Owns a simulated world outside for tests of the seam: a clock that nobody waits for, chance that repeats
// itself, a wire without a server. Each stays until its test has finished: a worker keeps this module for all its files.
import { Readable } from 'node:stream'
import { onTestFinished } from 'vitest'
import { replaceTransport, type Transport } from '../../src/clickhouse/client.ts'
import { type Clock, replaceClock } from '../../src/seam/clock.ts'
import { replaceRandom } from '../../src/seam/random.ts'

export const BEGIN = Date.UTC(2030, 0, 1)

/** A clock that stands still until somebody sleeps, and then leaps; timers strike on the way. */
export function leapingClock() {
  let ms = 0
  const sleeps: number[] = []
  const timers = new Set<{ at: number; readonly every: number | undefined; readonly work: () => void }>()
  const start = (delay: number, every: number | undefined, work: () => void) => {
    const timer = { at: ms + delay, every, work }
    timers.add(timer)
    return () => void timers.delete(timer)
  }
  const clock: Clock = {
    now: () => ms,
    date: () => new Date(BEGIN + ms),
    async sleep(delay, signal, ref = true) {
      // For this one the clock does not leap.
      if (!ref)
        return await new Promise((resolve) => {
          const cancel = start(delay, undefined, resolve)
          signal?.addEventListener('abort', () => resolve(cancel()))
        })
      sleeps.push(delay)
      const end = ms + delay
      for (;;) {
        const next = [...timers].filter(({ at }) => at <= end).toSorted((one, other) => one.at - other.at)[0]
        if (next === undefined) break
        ms = next.at
        if (next.every === undefined) timers.delete(next)
        else next.at += next.every
        next.work()
        // What the work has begun goes on before the clock does.
        await new Promise((resolve) => setImmediate(resolve))
      }
      ms = end
    },
    after: (delay, work) => start(delay, undefined, work),
    every: (delay, work) => start(delay, delay, work),
    timeout: (delay) => {
      const controller = new AbortController()
      start(delay, undefined, () => controller.abort())
      return controller.signal
    },
  }
  onTestFinished(replaceClock(clock))
  return { clock, sleeps }
}

/** Ids that count, and the same fraction each time. */
export function countedRandom(fraction = 0) {
  let ids = 0
  onTestFinished(
    replaceRandom({
      id: () => `id-${++ids}`,
      below: (limit) => limit - 1,
      fraction: () => fraction,
    }),
  )
}

export type Heard = { readonly query: string; readonly params: Readonly<Record<string, unknown>> }

/** A wire that answers each statement with rows, or by throwing; returns what was heard. */
export function answeringWire(answer: (query: string) => readonly unknown[]): readonly Heard[] {
  const heard: Heard[] = []
  const hear = async ({ query, query_params = {} }: { query: string; query_params?: object }) => {
    heard.push({ query, params: query_params as Heard['params'] })
    return answer(query)
  }
  const transport = {
    query: async (params: Parameters<Transport['query']>[0]) => {
      const rows = await hear(params)
      return { text: async () => JSON.stringify({ data: rows }) }
    },
    exec: async (params: Parameters<Transport['exec']>[0]) => {
      await hear(params)
      return { stream: Readable.from([]), summary: {} }
    },
    ping: async () => ({ success: true }),
    close: async () => {},
  }
  onTestFinished(replaceTransport(() => transport as unknown as Transport))
  return heard
}
