import { expect, test } from 'vitest'
import {
  type Dependency,
  nextChunk,
  readyBlocks,
  readyChunks,
  type Task,
  waiting,
} from '../../src/planning/schedule.ts'

/** A task with the whole range 0-99 to run, except where said otherwise. */
const task = (key: string, more: Partial<Task> = {}): Task => ({
  key,
  runnable: [{ from: 0, to: 99 }],
  waitsFor: [],
  unprobed: [],
  sizing: { blocks: 10 },
  order: 'oldest',
  running: 0,
  slots: 1,
  progress: 0,
  overdue: 0,
  ...more,
})

const dependency = (more: Partial<Dependency> = {}): Dependency => ({
  key: 'input',
  expected: [{ from: 0, to: Number.MAX_SAFE_INTEGER }],
  covered: [],
  ended: true,
  ...more,
})

test('the table with the least progress comes first', () => {
  const tasks = [
    task('far', { progress: 0.9 }),
    task('near', { progress: 0.1 }),
    task('middle', { progress: 0.5 }),
  ]
  expect(nextChunk(tasks)).toEqual({ key: 'near', range: { from: 0, to: 9 } })
})

test('a table whose ranges run one after the other waits for its next block, though later ones are ready', () => {
  const waitsFor = [dependency({ covered: [{ from: 20, to: 59 }], ended: false })]
  expect(nextChunk([task('sums', { waitsFor, next: 0 })], true)).toBeUndefined()
  expect(nextChunk([task('sums', { waitsFor, next: 20 })], true)?.range).toEqual({ from: 20, to: 29 })
})

test('the table that is most overdue comes before all others, however little is left of it', () => {
  const tasks = [
    task('new', { progress: 0 }),
    task('late', { progress: 0.8, overdue: 60 }),
    task('later', { progress: 0.9, overdue: 3600 }),
  ]
  expect(nextChunk(tasks)?.key).toBe('later')
  expect(nextChunk(tasks.slice(0, 2))?.key).toBe('late')
})

test('tables of equal progress come in their order', () => {
  expect(nextChunk([task('a'), task('b')])?.key).toBe('a')
})

test('a table whose slots are taken lets the others go on', () => {
  const taken = task('taken', { running: 2, slots: 2 })
  expect(nextChunk([taken, task('free', { progress: 0.9 })])?.key).toBe('free')
  expect(nextChunk([taken])).toBeUndefined()
})

test('a table that waits lets the others go on, even those with more progress', () => {
  const waits = task('waits', { waitsFor: [dependency()] })
  expect(nextChunk([waits, task('runs', { progress: 0.9 })])?.key).toBe('runs')
})

test('a chunk is cut where the coverage of a dependency ends', () => {
  const half = dependency({
    covered: [
      { from: 4, to: 6 },
      { from: 20, to: 99 },
    ],
  })
  expect(readyBlocks(task('t', { waitsFor: [half] }))).toEqual([
    { from: 4, to: 6 },
    { from: 20, to: 99 },
  ])
  expect(nextChunk([task('t', { waitsFor: [half] })])?.range).toEqual({ from: 4, to: 6 })
})

test('nothing is expected outside the blocks of a dependency', () => {
  const later = dependency({ expected: [{ from: 50, to: 60 }] })
  expect(readyBlocks(task('t', { waitsFor: [later] }))).toEqual([
    { from: 0, to: 49 },
    { from: 61, to: 99 },
  ])
})

test('a block waits until every dependency that is expected to have it has covered it', () => {
  const first = dependency({ key: 'a', covered: [{ from: 0, to: 60 }] })
  const second = dependency({ key: 'b', covered: [{ from: 40, to: 99 }] })
  // Covers all that is wanted of it: nobody waits for it.
  const whole = dependency({ key: 'c', covered: [{ from: 0, to: 99 }] })
  const both = task('t', { waitsFor: [first, whole, second] })
  expect(readyBlocks(both)).toEqual([{ from: 40, to: 60 }])
  expect(waiting([task('free'), both])).toEqual([{ key: 't', blocks: 79, on: ['a', 'b'] }])
})

test('a chunk that is not full waits for what its inputs may still cover, and no longer', () => {
  const covered = [{ from: 0, to: 14 }]
  const follower = (ended: boolean) => task('t', { waitsFor: [dependency({ covered, ended })] })
  expect(nextChunk([follower(false)])?.range).toEqual({ from: 0, to: 9 })
  const rest = (ended: boolean) => ({ ...follower(ended), runnable: [{ from: 10, to: 99 }] })
  expect(nextChunk([rest(false)])).toBeUndefined()
  expect(nextChunk([rest(true)])?.range).toEqual({ from: 10, to: 14 })
  expect(nextChunk([rest(false)], true)?.range).toEqual({ from: 10, to: 14 })
})

test('a chunk that is not full waits for the probe of the blocks beside it', () => {
  const beside = task('t', { runnable: [{ from: 0, to: 4 }], unprobed: [{ from: 5, to: 99 }] })
  expect(nextChunk([beside])).toBeUndefined()
  const apart = task('t', { runnable: [{ from: 0, to: 4 }], unprobed: [{ from: 6, to: 99 }] })
  expect(nextChunk([apart])?.range).toEqual({ from: 0, to: 4 })
})

test('newest first: the chunk is cut from the top, and waits for what is below it', () => {
  const down = task('t', { order: 'newest' })
  expect(nextChunk([down])?.range).toEqual({ from: 90, to: 99 })
  const waits = task('t', {
    order: 'newest',
    runnable: [{ from: 95, to: 99 }],
    unprobed: [{ from: 0, to: 94 }],
  })
  expect(nextChunk([waits])).toBeUndefined()
})

test('chunks are counted in the measure of the table', () => {
  expect(readyChunks(task('t'))).toBe(10)
  const rowEstimates = [{ from: 0, to: 99, rows: 1000 }]
  expect(readyChunks(task('t', { sizing: { rows: 200, rowEstimates } }))).toBe(5)
})

test('a table goes on behind the derived tables that it looks up, and without them when nothing else can', () => {
  const looks = task('looks', { looksUp: true, overdue: 60 })
  expect(nextChunk([looks])).toBeUndefined()
  expect(nextChunk([looks, task('behind', { progress: 0.9 })], true)?.key).toBe('behind')
  expect(nextChunk([looks], true)?.key).toBe('looks')
})
