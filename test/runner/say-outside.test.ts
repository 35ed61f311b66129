// Owns the promises of what others are told of a run: what holds it back at once, again each minute as long as it lasts, and its end.
import { expect, test } from 'vitest'
import { sayOutside } from '../../src/runner/say-outside.ts'
import { leapingClock } from '../support/simulated.ts'

function said() {
  const { clock } = leapingClock()
  const reports: string[] = []
  const outside = sayOutside(
    () => {},
    async (says, reason) => void reports.push(`${says} ${reason}`.trim()),
  )
  /** Says what it says in this many seconds. */
  const watch = async (seconds: number) => {
    const end = outside.watch()
    await clock.sleep(seconds * 1000)
    await end()
    return reports.splice(0)
  }
  return { report: outside.report, ended: outside.ended, watch }
}

const LOAD = { type: 'throttled', table: undefined, text: 'throttled by load: 21', hold: undefined } as const

test('load is told at once, again each minute, and its end once', async () => {
  const { report, watch } = said()
  report(LOAD)
  expect(await watch(1)).toEqual(['load throttled by load: 21'])
  expect(await watch(62)).toEqual(['load throttled by load: 21'])
  report({ ...LOAD, type: 'released' })
  expect(await watch(70)).toEqual(['going on'])
})

test('a full disk and a source that is away are told, with how long it has been away; what other screens know is not', async () => {
  const { report, watch } = said()
  report({ type: 'standstill', table: 'a', standstill: { reason: 'source', block: 7 } })
  report({ ...LOAD, hold: { action: 'pause' } as never })
  expect(await watch(70)).toEqual([])
  report({ type: 'standstill', table: 'a', standstill: { reason: 'disk', found: '1% is free' } })
  expect(await watch(1)).toEqual(['disk 1% is free'])
  report({ type: 'standstill', table: 'a', standstill: undefined })
  expect(await watch(1)).toEqual(['going on'])
  const away = { reason: 'unreachable', giveUpMs: 300_000 } as const
  report({ type: 'standstill', table: undefined, standstill: { ...away, server: 'target' } })
  expect(await watch(70)).toEqual([])
  report({ type: 'standstill', table: undefined, standstill: { ...away, server: 'source' } })
  expect(await watch(1)).toEqual([expect.stringMatching(/^unreachable source unreachable \(\d s of 5 m\)$/)])
  expect((await watch(66))[0]).toMatch(/^unreachable source unreachable \(1 m( \d s)? of 5 m\)$/)
})

test('the end comes after what was said before', async () => {
  const { report, ended, watch } = said()
  report(LOAD)
  await ended('locked', 'by another')
  expect(await watch(0)).toEqual(['load throttled by load: 21', 'locked by another'])
})
