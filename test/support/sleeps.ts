// Owns how long the code chose to wait, which does not depend on how busy the machine is, as the time that passed does.
import { setTimeout as wait } from 'node:timers/promises'
import { onTestFinished } from 'vitest'
import { replaceClock } from '../../src/seam/clock.ts'

/** The machine's clock until the test has finished, but `faster` by so much where durations are counted; returns the milliseconds of every sleep since. */
export function recordSleeps(faster = 1): readonly number[] {
  const sleeps: number[] = []
  onTestFinished(
    replaceClock({
      now: () => performance.now() * faster,
      date: () => new Date(),
      sleep: (ms, signal, ref = true) => {
        // Nothing waits for the others.
        if (ref) sleeps.push(ms)
        return wait(ms, undefined, { ref, signal }).catch(() => undefined)
      },
      after(ms, work) {
        const timer = setTimeout(work, ms).unref()
        return () => clearTimeout(timer)
      },
      every(ms, work) {
        const timer = setInterval(work, ms).unref()
        return () => clearInterval(timer)
      },
      timeout: (ms) => AbortSignal.timeout(ms),
    }),
  )
  return sleeps
}
