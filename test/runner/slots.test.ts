// Owns the promises of slots: how many chunks may start, and how many INSERTs run.
import { expect, test } from 'vitest'
import { openInsertSlots } from '../../src/runner/slots.ts'

const SMALL = 1000
const BIG = 1_000_000

const slotsOf = (jobs: number, isSaid = false) =>
  openInsertSlots({ jobs: () => jobs, isJobsSaid: () => isSaid })

/** Chunks of so many rows that may start at once. */
function startable(slots: ReturnType<typeof slotsOf>, rows: number): number {
  let started = 0
  for (; started < 100 && slots.isFree(); started++) slots.take(rows)
  return started
}

test('four small chunks share a slot, and a big one takes it whole', () => {
  expect(startable(slotsOf(2), SMALL)).toBe(8)
  expect(startable(slotsOf(2), BIG)).toBe(2)
})

test('where a person has said how many statements may run, each chunk takes a slot', () => {
  expect(startable(slotsOf(2, true), SMALL)).toBe(2)
})

test('what was taken is given back', () => {
  const slots = slotsOf(1)
  const back = slots.take(BIG)
  expect(slots.isFree()).toBe(false)
  back()
  expect(slots.isFree()).toBe(true)
})

test('however many small chunks have started, no more INSERTs run than jobs allow', async () => {
  const slots = slotsOf(2)
  let running = 0
  let most = 0
  const insert = async () => {
    most = Math.max(most, ++running)
    await new Promise((done) => setImmediate(done))
    running--
  }
  await Promise.all(Array.from({ length: 20 }, () => slots.insert(insert)))
  expect(most).toBe(2)
})
