// Owns the promises of silences: stretches in which a source should have rows and has none.
import { expect, test } from 'vitest'
import type { Range } from '../../src/model/blocks.ts'
import { type Bucket, bucketWidth, findSilences } from '../../src/sources/availability.ts'
import { blocksFrom, bucketsOf, source } from '../support/buckets.ts'

const BUSY = 20
const silencesOf = (
  sourceGapBlocks: number,
  range: Range,
  transactions: readonly Bucket[],
  common: readonly number[],
) =>
  findSilences(
    [
      source(transactions),
      source(
        bucketsOf(common, range, bucketWidth(sourceGapBlocks)),
        'most-blocks',
        'canonical_execution_storage_diffs',
      ),
    ],
    range,
    sourceGapBlocks,
  )

test('a common source that has nothing for 1,000 blocks of 20 transactions is silent there', () => {
  const range = { from: 0, to: 4999 }
  const common = blocksFrom(0, 5000).filter((block) => block < 1500 || block > 3499)
  const busy = bucketsOf(blocksFrom(0, 5000), range, 1000, BUSY)
  expect(silencesOf(1000, range, busy, common)).toEqual([{ from: 1500, to: 3499 }])
})

test('where the chain is quiet, a common source may have nothing', () => {
  const range = { from: 0, to: 4999 }
  const quiet = bucketsOf(blocksFrom(0, 5000), range, 1000, BUSY - 1)
  expect(silencesOf(1000, range, quiet, [0, 4999])).toEqual([])
})

test('only transactions say that the chain is busy: many rows of another source prove nothing', () => {
  const range = { from: 0, to: 2999 }
  const rows = (perBlock: number) => bucketsOf(blocksFrom(0, 3000), range, 1000, perBlock)
  const traces = source(rows(100), 'every-block', 'canonical_execution_traces')
  const absent = source([], 'most-blocks', 'canonical_execution_storage_diffs')
  expect(findSilences([traces, absent, source(rows(1))], range, 1000)).toEqual([])
  expect(findSilences([traces, absent], range, 1000)).toEqual([])
  expect(
    findSilences([source(rows(100), 'every-block', traces.table), absent, source(rows(100))], range, 1000),
  ).toEqual([range])
})

test('one full block in a quiet stretch does not make it busy', () => {
  const range = { from: 0, to: 2999 }
  expect(silencesOf(1000, range, bucketsOf([500, 1500], range, 1000, 300), [])).toEqual([])
})

test('a long quiet stretch before it does not excuse a silence in a busy one', () => {
  const range = { from: 0, to: 99_999 }
  const transactions = [
    ...bucketsOf(blocksFrom(0, 90_000), range, 1000, 1),
    ...bucketsOf(blocksFrom(90_000, 10_000), range, 1000, 100),
  ]
  expect(silencesOf(1000, range, transactions, [])).toEqual([{ from: 90_000, to: 99_999 }])
})

test('a gap of a common source that is shorter than a source gap is no silence', () => {
  const range = { from: 0, to: 4999 }
  const busy = bucketsOf(blocksFrom(0, 5000), range, 1000, 200)
  const common = blocksFrom(0, 5000).filter((block) => block < 1500 || block >= 2499)
  expect(silencesOf(1000, range, busy, common)).toEqual([])
})

test('sparse sources and other transaction sources are never silent', () => {
  const range = { from: 0, to: 2999 }
  const busy = source(bucketsOf(blocksFrom(0, 3000), range, 1000, 200))
  const empty = [
    source([], 'sparse', 'canonical_execution_contracts'),
    source([], 'every-block', 'canonical_execution_traces'),
  ]
  expect(findSilences([busy, ...empty], range, 1000)).toEqual([])
})
