// Owns time: the only place that reads a clock, waits or starts a timer. A simulation replaces it as a whole.
import { setTimeout as wait } from 'node:timers/promises'

export type Clock = {
  /** Milliseconds since some moment; never goes back. For durations and deadlines. */
  now(): number
  /** The calendar's time, by this machine. For people, never for decisions. */
  date(): Date
  /** Resolves after so many milliseconds, or as soon as the signal is aborted. Never throws. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
  /** Does the work once. No timer keeps the process alive by itself. Returns what ends it. */
  after(ms: number, work: () => void): () => void
  /** Does the work again and again. Returns what ends it. */
  every(ms: number, work: () => void): () => void
  /** A signal that is aborted after so many milliseconds. */
  timeout(ms: number): AbortSignal
}

const machine: Clock = {
  now: () => performance.now(),
  date: () => new Date(),
  sleep: (ms, signal) => wait(ms, undefined, signal && { signal }).catch(() => undefined),
  after(ms, work) {
    const timer = setTimeout(work, ms).unref()
    return () => clearTimeout(timer)
  },
  every(ms, work) {
    const timer = setInterval(work, ms).unref()
    return () => clearInterval(timer)
  },
  timeout: (ms) => AbortSignal.timeout(ms),
}

let present = machine

/** Only for tests: from now on this clock goes. Returns what brings the machine's back. */
export function replaceClock(clock: Clock): () => void {
  present = clock
  return () => void (present = machine)
}

export const monotonicMs: Clock['now'] = () => present.now()
export const wallClock: Clock['date'] = () => present.date()
export const sleep: Clock['sleep'] = (ms, signal) => present.sleep(ms, signal)
export const after: Clock['after'] = (ms, work) => present.after(ms, work)
export const every: Clock['every'] = (ms, work) => present.every(ms, work)
export const timeoutSignal: Clock['timeout'] = (ms) => present.timeout(ms)
