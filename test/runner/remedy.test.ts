// Owns the promises of src/runner/recover.ts: what a half-written range needs, and whose rows may stand in it.
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Range } from '../../src/model/blocks.ts'
import type { RowsKind } from '../../src/model/model.ts'
import { remedyFor } from '../../src/runner/recover.ts'
import { attemptsIn } from '../../src/ledger/attempts.ts'

const PER_BLOCK: RowsKind = { kind: 'per-block' }
const PER_KEY: RowsKind = { kind: 'per-key', keep: 'latest', column: 'block_number' }

test.each([
  { replacing: true, rows: PER_BLOCK, unchanged: true, remedy: 'rerun' },
  { replacing: true, rows: PER_BLOCK, unchanged: false, remedy: 'clean' },
  { replacing: true, rows: PER_KEY, unchanged: true, remedy: 'rerun' },
  { replacing: true, rows: PER_KEY, unchanged: false, remedy: 'rerun-stale' },
  { replacing: false, rows: PER_BLOCK, unchanged: true, remedy: 'clean' },
  { replacing: false, rows: PER_BLOCK, unchanged: false, remedy: 'clean' },
  { replacing: false, rows: PER_KEY, unchanged: true, remedy: 'stop' },
  { replacing: false, rows: PER_KEY, unchanged: false, remedy: 'stop' },
] as const)(
  '$rows.kind rows, replacing: $replacing, same SQL and sources: $unchanged -> $remedy',
  ({ remedy, ...dirty }) => expect(remedyFor({ ...dirty, suspect: false })).toBe(remedy),
)

test.each([
  { replacing: true, rows: PER_BLOCK, remedy: 'clean' },
  { replacing: false, rows: PER_BLOCK, remedy: 'clean' },
  { replacing: true, rows: PER_KEY, remedy: 'rerun-stale' },
  { replacing: false, rows: PER_KEY, remedy: 'stop' },
] as const)(
  'rows that are to go are not trusted though nothing has changed: $rows.kind, replacing: $replacing -> $remedy',
  ({ remedy, ...dirty }) => expect(remedyFor({ ...dirty, unchanged: true, suspect: true })).toBe(remedy),
)

test.each([
  { unchanged: true, suspect: false },
  { unchanged: false, suspect: false },
  { unchanged: true, suspect: true },
])('where rows have to be deleted before others come, they are: %j', (found) => {
  const rows: RowsKind = { kind: 'per-block', deletedFirst: true }
  expect(remedyFor({ replacing: true, rows, ...found })).toBe('clean')
})

type Event = { readonly event: string; readonly range: Range; readonly queryId: string }

const BLOCKS = 12
const range = fc
  .tuple(fc.nat(BLOCKS - 1), fc.nat(BLOCKS - 1))
  .map(([a, b]): Range => ({ from: Math.min(a, b), to: Math.max(a, b) }))
const history = fc
  .array(
    fc.record({ event: fc.constantFrom('started', 'failed', 'done', 'cleaned', 'invalidated'), range }),
    {
      maxLength: 12,
    },
  )
  .map((events) => events.map((one, index): Event => ({ ...one, queryId: `q${index}` })))

/** Query ids of the tries whose rows may stand in a block: each block on its own, oldest event first. */
function writersOf(block: number, events: readonly Event[]): ReadonlySet<string> {
  let writers = new Set<string>()
  for (const {
    event,
    range: { from, to },
    queryId,
  } of events) {
    if (block < from || block > to) continue
    if (event === 'cleaned') writers = new Set()
    if (event === 'done') writers = new Set([queryId])
    if (event === 'started' || event === 'failed') writers.add(queryId)
  }
  return writers
}

test('exactly the tries since a block was last cleaned or done are found, with exactly their blocks', () => {
  fc.assert(
    fc.property(history, range, (events, dirty) => {
      const tries = attemptsIn(events.toReversed(), [dirty])
      for (let block = 0; block < BLOCKS; block++) {
        const inDirty = dirty.from <= block && block <= dirty.to
        const found = tries
          .filter(({ blocks }) => blocks.some(({ from, to }) => from <= block && block <= to))
          .map(({ queryId }) => queryId)
        expect(new Set(found)).toEqual(inDirty ? writersOf(block, events) : new Set())
      }
    }),
    { numRuns: 2_000 },
  )
})

test('the events of one try count once, and a try that recorded done is there as done', () => {
  const one = { range: { from: 1, to: 5 }, queryId: 'a' }
  const events = [
    { ...one, event: 'invalidated', queryId: '' },
    { ...one, event: 'done' },
    { ...one, event: 'started' },
  ]
  expect(attemptsIn(events, [{ from: 3, to: 9 }])).toEqual([
    { ...one, event: 'done', blocks: [{ from: 3, to: 5 }], suspect: true, finished: true },
  ])
})

test('what was invalidated before a try, or elsewhere, does not make its rows suspect', () => {
  const done = { event: 'done', range: { from: 1, to: 5 }, queryId: 'new' }
  const elsewhere = { event: 'invalidated', range: { from: 4, to: 9 }, queryId: '' }
  const before = { event: 'invalidated', range: { from: 1, to: 5 }, queryId: '' }
  const tries = attemptsIn([elsewhere, done, before], [{ from: 1, to: 3 }])
  expect(tries).toMatchObject([{ queryId: 'new', suspect: false }])
})

const FIVE = { from: 1, to: 5 }

test('a range is suspect until its rows are taken back, also after a try at it', () => {
  const [done, invalidated] = [
    { event: 'done', range: FIVE, queryId: 'old' },
    { event: 'invalidated', range: FIVE, queryId: '' },
  ]
  const started = { event: 'started', range: FIVE, queryId: 'new' }
  expect(attemptsIn([started, invalidated, done], [FIVE])).toMatchObject([
    { queryId: 'new', suspect: false, finished: false },
    { queryId: 'old', suspect: true, finished: true },
  ])
  expect(
    attemptsIn([started, { ...invalidated, event: 'cleaned' }, invalidated, done], [FIVE]),
  ).toMatchObject([{ queryId: 'new', suspect: false }])
})

test('adopted rows are those of an attempt that is done', () => {
  const [adopted, invalidated, cleaned] = ['done', 'invalidated', 'cleaned'].map((event) => ({
    event,
    range: FIVE,
    queryId: '',
  }))
  const other = { ...adopted!, range: { from: 6, to: 9 } }
  expect(attemptsIn([invalidated!, other, adopted!, cleaned!], [{ from: 1, to: 9 }])).toMatchObject([
    { blocks: [{ from: 6, to: 9 }], suspect: false, finished: true },
    { blocks: [FIVE], suspect: true, finished: true },
  ])
  expect(attemptsIn([cleaned!, adopted!], [FIVE])).toEqual([])
})
