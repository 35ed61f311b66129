// Owns time: the only file that reads a clock, waits or starts a timer. A simulation can replace it as a whole.
import { setTimeout as wait } from 'node:timers/promises'
import { replaceable } from './replaceable.ts'

export type Clock = {
  /** Milliseconds since some moment; never decreases. For durations and deadlines. */
  now(): number
  /** This machine's wall-clock time. For people, never for decisions. */
  date(): Date
  /** Resolves after this many milliseconds, or as soon as the signal is aborted. Never throws. Keeps the process alive if `ref`. */
  sleep(ms: number, signal?: AbortSignal, ref?: boolean): Promise<void>
  /** Runs the work once. No timer keeps the process alive. Returns a function that cancels it. */
  after(ms: number, work: () => void): () => void
  every(ms: number, work: () => void): () => void
  timeout(ms: number): AbortSignal
}

/** The longest time of Node's timers, 24.8 days: one that is longer would strike at once. */
const LONGEST_MS = 2 ** 31 - 1

/** In as many timers as it takes. */
function strikeAfter(ms: number, work: () => void): () => void {
  let timer: NodeJS.Timeout
  const wind = (left: number) => {
    const rest = left - LONGEST_MS
    timer = setTimeout(() => (rest > 0 ? wind(rest) : work()), Math.min(left, LONGEST_MS)).unref()
  }
  wind(ms)
  return () => clearTimeout(timer)
}

const { present, replace } = replaceable<Clock>({
  now: () => performance.now(),
  date: () => new Date(),
  sleep: (ms, signal, ref = true) => wait(ms, undefined, { ref, signal }).catch(() => undefined),
  after: strikeAfter,
  every(ms, work) {
    const timer = setInterval(work, ms).unref()
    return () => clearInterval(timer)
  },
  timeout(ms) {
    if (ms <= LONGEST_MS) return AbortSignal.timeout(ms)
    const late = new AbortController()
    strikeAfter(ms, () => late.abort(new DOMException('the time is over', 'TimeoutError')))
    return late.signal
  },
})

export const replaceClock = replace
export const monotonicMs: Clock['now'] = () => present().now()
export const wallClock: Clock['date'] = () => present().date()
export const sleep: Clock['sleep'] = (...how) => present().sleep(...how)
export const after: Clock['after'] = (ms, work) => present().after(ms, work)
export const every: Clock['every'] = (ms, work) => present().every(ms, work)
export const timeoutSignal: Clock['timeout'] = (ms) => present().timeout(ms)
