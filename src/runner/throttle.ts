// Owns what holds a run back while it goes: pauses and limits of people, and load. They are asked for with a heartbeat;
// what runs goes on, nothing new starts, and nothing is ever aborted.
import type { Capacity } from '../clickhouse/capacity.ts'
import { concerns, type Hold, holdText } from '../ledger/steering.ts'
import type { UpOptions } from '../planning/run-options.ts'
import { slotsFor } from '../planning/sizing.ts'
import { every, monotonicMs } from '../seam/clock.ts'
import type { RunEvent } from './events.ts'
import type { Workspace } from './workspace.ts'

export type Throttle = ReturnType<typeof makeThrottle>

export const LOOK_MS = 5_000

/** A question of a look that has no answer for so long is said: a server that hangs closes no connection. */
const SILENT_MS = 10_000

/** How often the number of statements is chosen again, and a hold is said again. */
const MINUTE_MS = 60_000

/** Holds nothing back before the first look. */
export function makeThrottle(
  { chosen, ports }: Pick<Workspace, 'chosen' | 'ports'>,
  options: UpOptions,
  capacity: Capacity,
  report: (event: RunEvent) => void,
) {
  let holds: readonly Hold[] = []
  let load: string | undefined
  let slots = slotsFor(options, capacity)
  let most = slots.jobs
  let chosenAt = monotonicMs()
  let said: ReadonlyMap<string, Said> = new Map()
  let wake = Promise.withResolvers<void>()
  let askedAt = 0
  let isSilent = false

  const pauseOf = (key: string) => holds.find((hold) => hold.action === 'pause' && concerns(hold, key))
  const limit = (table: string) =>
    holds.find((hold) => hold.action === 'limit' && hold.table === table)?.jobs ?? Infinity

  async function loadNow({ maxLoad } = options): Promise<string | undefined> {
    if (maxLoad === undefined) return undefined
    if ('sql' in maxLoad) {
      const [row] = await ports.load.rows(maxLoad.sql)
      return row && `throttled by load: ${maxLoad.file} returns ${row.join(', ')}`
    }
    const { queries } = await ports.load.others()
    const found = `throttled by load: others run ${queries} queries, more than --max-load ${maxLoad.queries}`
    return queries > maxLoad.queries ? found : undefined
  }

  /** Idle cores change in the hours of a run. Where they cannot be asked for, the number stays. */
  async function chooseAgain(): Promise<void> {
    if (options.jobs !== undefined || !ports.load.isKnown || monotonicMs() - chosenAt < MINUTE_MS) return
    chosenAt = monotonicMs()
    const others = await ports.load.others().catch(() => undefined)
    if (others !== undefined) slots = slotsFor(options, { ...capacity, busyCores: others.cores })
    most = Math.max(most, slots.jobs)
  }

  /** Says what holds the tables of this run, again after a minute, and what does so no more. */
  function say(now = monotonicMs()): void {
    const mine = holds.filter(({ table }) => table === '' || chosen.some(({ key }) => key === table))
    const found = new Map(
      mine.map((hold) => [
        JSON.stringify(hold),
        { table: hold.table || undefined, text: holdText(hold), hold },
      ]),
    ) as Map<string, Omit<Said, 'at'>>
    // Its words have a figure that always changes.
    if (load !== undefined) found.set('load', { table: undefined, text: load, hold: undefined })
    for (const [id, { table, text, hold }] of said)
      if (!found.has(id)) report({ type: 'released', table, text: `no longer ${text}`, hold })
    said = new Map(
      [...found].map(([id, one]) => {
        const { at = -Infinity } = said.get(id) ?? {}
        if (now - at < MINUTE_MS) return [id, { ...one, at }]
        report({ type: 'throttled', ...one })
        return [id, { ...one, at: now }]
      }),
    )
  }

  function answered<Answer>(answer: Answer): Answer {
    if (isSilent) report({ type: 'standstill', table: undefined, standstill: undefined })
    isSilent = false
    return answer
  }

  function sayIfSilent(forMs = monotonicMs() - askedAt): void {
    if (isSilent || forMs < SILENT_MS) return
    isSilent = true
    report({ type: 'standstill', table: undefined, standstill: { reason: 'silent', forMs } })
  }

  /** @throws BackfillError if a question fails; `stay`: then the last answer stays, and an unknown load holds */
  async function look(stay: boolean): Promise<void> {
    const state = () => JSON.stringify([holds, load === undefined, slots])
    const before = state()
    const unless =
      <Value>(value: (error: Error) => Value) =>
      (error: unknown) => {
        if (!stay) throw error
        return value(error as Error)
      }
    ;[holds, load] = await Promise.all([
      ports.steering
        .read()
        .then(answered)
        .catch(unless(() => holds)),
      loadNow().catch(unless(({ message }) => `throttled by load: ${message}`)),
      chooseAgain(),
    ])
    say()
    if (state() === before) return
    wake.resolve()
    wake = Promise.withResolvers()
  }

  return {
    look: () => look(false),
    /** Looks again and again, until the returned function is called; that resolves when nothing more is said. */
    watch(): () => Promise<void> {
      let looking: Promise<void> | undefined
      const cancel = every(LOOK_MS, () => {
        if (looking !== undefined) return sayIfSilent()
        askedAt = monotonicMs()
        looking = look(true).finally(() => (looking = undefined))
      })
      return async () => {
        cancel()
        await looking
      }
    },
    /** Resolves when more, or less, may start than before. */
    changed: () => wake.promise,
    pauseOf,
    /** Statements at once over all tables, and the most of this run so far. */
    jobs: () => Math.min(slots.jobs, limit('')),
    /** Whether a person has said how many. */
    isJobsSaid: () => options.jobs !== undefined || limit('') < Infinity,
    most: () => most,
    /** Statements at once of a table; 0: none may start. */
    slotsOf: (key: string) =>
      load !== undefined || pauseOf(key) !== undefined ? 0 : Math.min(slots.tableJobs, limit(key)),
  }
}

type Said = Omit<Extract<RunEvent, { type: 'throttled' }>, 'type'> & { readonly at: number }
