// Owns the promise that short gaps of a busy chain, which are no source gaps, are counted.
import { expect, test } from 'vitest'
import { findThinBuckets } from '../../src/sources/availability.ts'
import { blocksFrom, bucketsOf, source } from '../support/buckets.ts'

const range = { from: 0, to: 2999 }
const without = (from: number, to: number) =>
  blocksFrom(0, 3000).filter((block) => block < from || block > to)
const chain = (blocks: readonly number[], rows: number) => source(bucketsOf(blocks, range, 1000, rows))

test('25 blocks in a row that are in no source of a busy chain are counted', () => {
  expect(findThinBuckets([chain(without(1500, 1524), 20)], 1000)).toEqual([
    { from: 1000, to: 1999, blocks: 25 },
  ])
})

test('single empty blocks are those of the chain, and a quiet chain may have any number', () => {
  expect(findThinBuckets([chain(without(1500, 1505), 20)], 1000)).toEqual([])
  expect(findThinBuckets([chain(without(1500, 1524), 19)], 1000)).toEqual([])
})

test('blocks that another every-block source has are incomplete, not counted here', () => {
  const traces = source(
    bucketsOf(blocksFrom(0, 3000), range, 1000),
    'every-block',
    'canonical_execution_traces',
  )
  expect(findThinBuckets([chain(without(1500, 1524), 20), traces], 1000)).toEqual([])
})
