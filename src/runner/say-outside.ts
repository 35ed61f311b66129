// Owns what other screens are told of a run: what holds it back, as long as it does, and how it ended.
import { type Ending, type HeldBack, HELD_BACK, type RunReport } from '../ledger/run-reports.ts'
import { type Standstill, standstillText } from '../model/standstill.ts'
import { every, monotonicMs } from '../seam/clock.ts'
import type { RunEvent } from './events.ts'
import { LOOK_MS } from './throttle.ts'

/** What holds a run back is said again after this long: a report counts for 90 s. */
const AGAIN_MS = 60_000

type Held = { readonly says: HeldBack; readonly text: (waitedMs: number) => string; readonly since: number }

/** `report`: passes each event on, and learns from it. One report is on its way at a time; no run fails for it. */
export function sayOutside(
  report: (event: RunEvent) => void,
  send: (says: RunReport['says'], reason: string) => Promise<void>,
) {
  /** Table key, '' for the whole run, or `load` -> what holds it back. */
  const holding = new Map<string, Held>()
  let told: { readonly says: HeldBack; readonly at: number } | undefined
  let sending = Promise.resolve()

  async function say(): Promise<void> {
    const [held] = holding.values()
    const now = monotonicMs()
    if (held?.says === told?.says && now - (told?.at ?? now) < AGAIN_MS) return
    told = held && { says: held.says, at: now }
    await (held === undefined ? send('going on', '') : send(held.says, held.text(now - held.since)))
  }

  function hold(key: string, found: Omit<Held, 'since'> | undefined): void {
    if (found === undefined) holding.delete(key)
    else holding.set(key, { ...found, since: holding.get(key)?.since ?? monotonicMs() })
    sending = sending.then(say)
  }

  function learn(event: RunEvent): void {
    // Pauses and limits are in the ledger's database anyway.
    if (event.type === 'throttled' && event.hold === undefined)
      hold('load', { says: 'load', text: () => event.text })
    if (event.type === 'released' && event.hold === undefined) hold('load', undefined)
    if (event.type === 'standstill') hold(event.table ?? '', heldBy(event.standstill))
  }

  return {
    report: (event: RunEvent): void => {
      report(event)
      learn(event)
    },
    /** Says again what still holds, until the returned function is called; that resolves when all is said. */
    watch(): () => Promise<void> {
      const cancel = every(LOOK_MS, () => void (sending = sending.then(say)))
      return async () => {
        cancel()
        await sending
      }
    },
    ended: async (says: Ending, reason = ''): Promise<void> => await sending.then(() => send(says, reason)),
  }
}

/** Of the standstills, those that only the run itself can know. Of a target that is away nobody can be told. */
function heldBy(standstill: Standstill | undefined): Omit<Held, 'since'> | undefined {
  const says = HELD_BACK.find((one) => one === standstill?.reason)
  if (standstill === undefined || says === undefined) return undefined
  if ('server' in standstill && standstill.server !== 'source') return undefined
  return { says, text: (waitedMs) => standstillText(standstill, waitedMs) }
}
