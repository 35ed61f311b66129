// Owns the promise that no chunk starts while the target's disk has too little room.
import { expect, test } from 'vitest'
import { standstillText } from '../../src/model/standstill.ts'
import { roomWatch } from '../../src/runner/room.ts'
import { leapingClock } from '../support/simulated.ts'

function watched(shares: readonly (number | undefined)[], giveUpMs = 300_000) {
  leapingClock()
  const said: (string | undefined)[] = []
  let asked = 0
  const room = roomWatch({ minFreeShare: 0.05, giveUpMs }, new AbortController().signal, async () => {
    const share = shares[Math.min(asked++, shares.length - 1)]
    return share === undefined ? undefined : { disk: 'default', share, bytes: 1 }
  })
  return {
    said,
    room: () => room((standstill) => void said.push(standstill && standstillText(standstill, 0))),
    asked: () => asked,
  }
}

const FOUND = '3.1% of disk default is free, less than --min-free-disk 5%'

test('a full disk is waited for, which is said once; then the answer holds for a while', async () => {
  const { said, room, asked } = watched([0.031, 0.031, 0.4])
  await room()
  expect(said).toEqual([FOUND, undefined])
  await room()
  expect(asked()).toBe(3)
})

test('a disk that stays full ends the table after the time of --give-up, and the hint says what to do', async () => {
  const { room } = watched([0.031], 60_000)
  await expect(room()).rejects.toMatchObject({
    kind: 'failed',
    message: FOUND,
    hint: 'Free or add disk space, or lower --min-free-disk; backfill doctor shows the disks',
  })
})

test('where the disks may not be seen, nothing is waited for', async () => {
  const { said, room } = watched([undefined])
  await room()
  expect(said).toEqual([])
})
