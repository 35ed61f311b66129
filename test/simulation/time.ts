// Owns virtual time: one queue of what will happen, runners that live in one process, and who of them is asking. The
// queue goes on only when nobody has anything left to do, so a seed plays again exactly.
import { AsyncLocalStorage } from 'node:async_hooks'
import { replaceClock } from '../../src/seam/clock.ts'
import { replaceThisProcess } from '../../src/seam/process.ts'
import { replaceRandom } from '../../src/seam/random.ts'

/** Draws from a seed. */
export type Draw = {
  /** An integer from 0 to below the limit. */
  readonly below: (limit: number) => number
  readonly chance: (share: number) => boolean
  readonly of: <T>(choices: readonly T[]) => T
}

export function drawFrom(seed: number): Draw {
  let state = seed >>> 0
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const below = (limit: number) => Math.floor(next() * limit)
  return { below, chance: (share) => next() < share, of: (choices) => choices[below(choices.length)]! }
}

/** A process of the program, as far as others see it. */
export type Runner = {
  readonly pid: number
  readonly host: string
  /** Killed: what it waits for never comes. */
  dead: boolean
  /** Stopped until then: what it waits for comes later. */
  stoppedUntil: number
  /** Stopped, cut off or without a server: until then, and for a while, its heartbeats may not come. */
  troubledUntil: number
  /** The lock that it has asked for last. */
  awaited: string
  /** It has met more than lost answers of INSERTs: what became of these, it may not know. */
  isConfused: boolean
  /** A fault of one of its statements, or what happens to it or to the server. */
  hasMet: boolean
  /** How far its wall clock is ahead, in ms. */
  ahead: number
}

type Entry = { at: number; order: number; readonly of: Runner | undefined; work: (() => void) | undefined }

export type Time = ReturnType<typeof startTime>

const BEGIN = Date.UTC(2030, 0, 1)

/** A machine has one clock, one identity and one source of chance: one at a time. Call `end` when the history is over. */
export function startTime(seed: number) {
  const draw = drawFrom(seed)
  const runners: Runner[] = []
  const context = new AsyncLocalStorage<Runner>()
  const heap: Entry[] = []
  let ms = 0
  let orders = 0
  let ids = 0

  /** Whoever is none, such as a lock that an earlier test of this worker still holds, lives on the machine's time and draws its chance. */
  const isRunner = () => context.getStore() !== undefined
  const before = (one: Entry, other: Entry) => one.at - other.at || one.order - other.order
  function push(entry: Entry): void {
    let place = heap.push(entry) - 1
    for (; place > 0;) {
      const parent = (place - 1) >> 1
      if (before(heap[parent]!, entry) <= 0) break
      heap[place] = heap[parent]!
      place = parent
    }
    heap[place] = entry
  }
  function pop(): Entry {
    const first = heap[0]!
    const last = heap.pop()!
    if (heap.length === 0) return first
    let place = 0
    for (;;) {
      let child = 2 * place + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!) < 0) child++
      if (before(last, heap[child]!) <= 0) break
      heap[place] = heap[child]!
      place = child
    }
    heap[place] = last
    return first
  }

  /** Does the work in so many ms; for a runner only while it lives, and never while it is stopped. */
  function later(delay: number, work: () => void, of: Runner | undefined): () => void {
    const entry: Entry = { at: ms + Math.max(0, delay), order: orders++, of, work }
    push(entry)
    return () => void (entry.work = undefined)
  }

  const restore = [
    replaceClock(
      {
        now: () => ms,
        date: () => new Date(BEGIN + ms + context.getStore()!.ahead),
        sleep: (delay, signal) =>
          new Promise((resolve) => {
            if (signal?.aborted) return resolve()
            const stop = () => (cancel(), resolve())
            const wake = () => (signal?.removeEventListener('abort', stop), resolve())
            const cancel = later(delay, wake, context.getStore())
            signal?.addEventListener('abort', stop, { once: true })
          }),
        after: (delay, work) => later(delay, work, context.getStore()),
        every(delay, work) {
          const of = context.getStore()
          let cancel: (() => void) | undefined
          const next = () => (cancel = later(delay, () => (next(), work()), of))
          next()
          return () => cancel?.()
        },
        timeout(delay) {
          const controller = new AbortController()
          later(delay, () => controller.abort(), context.getStore())
          return controller.signal
        },
      },
      isRunner,
    ),
    replaceRandom(
      {
        id: () => `00000000-0000-4000-8000-${String(++ids).padStart(12, '0')}`,
        below: draw.below,
        fraction: () => draw.below(1000) / 1000,
      },
      isRunner,
    ),
    replaceThisProcess(
      {
        identity: () => {
          const { pid, host } = context.getStore()!
          return { pid, host, pidNamespace: host }
        },
        isAlive: (pid) => runners.some((runner) => runner.pid === pid && !runner.dead),
        end: () => undefined,
      },
      isRunner,
    ),
  ]

  return {
    now: () => ms,
    draw,
    later,
    runners: runners as readonly Runner[],
    asking: () => context.getStore(),
    /** A new process on a host, which runs the work. */
    start<T>(host: string, work: (runner: Runner) => Promise<T>): { runner: Runner; result: Promise<T> } {
      const alive = {
        dead: false,
        stoppedUntil: 0,
        troubledUntil: -Infinity,
        awaited: '',
        isConfused: false,
        hasMet: false,
        ahead: 0,
      }
      const runner: Runner = { pid: runners.length + 1, host, ...alive }
      runners.push(runner)
      return { runner, result: context.run(runner, () => work(runner)) }
    },
    /** Lets things happen until `done`, or until this moment. Returns whether it is done. */
    async until(done: () => boolean, deadline: number): Promise<boolean> {
      for (;;) {
        // What has been answered goes on before the clock does. Nothing of the program waits for more than promises; a turn of
        // the event loop each time would cost a tenth of a history.
        await new Promise((resolve) => process.nextTick(resolve))
        if (done()) return true
        if (heap.length === 0 || heap[0]!.at > deadline) return false
        const entry = pop()
        const { of, work } = entry
        if (work === undefined || of?.dead === true) continue
        if (of !== undefined && of.stoppedUntil > entry.at) {
          entry.at = of.stoppedUntil
          push(entry)
          continue
        }
        ms = Math.max(ms, entry.at)
        if (of === undefined) work()
        else context.run(of, work)
      }
    },
    end: () => restore.forEach((undo) => undo()),
  }
}
