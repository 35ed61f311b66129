// Owns the promises about sparse sources: how long one may have no rows.
import { expect, test } from 'vitest'
import { historyOf, isUnusual, suspiciousRuns } from '../../src/sources/sparse-silences.ts'
import { blocksFrom, bucketsOf, source } from '../support/buckets.ts'

const BUSY = 20
const CONTRACTS = 'canonical_execution_contracts'
const run = { from: 300_000, to: 302_999 }
const history = (blocks: readonly number[]) => bucketsOf(blocks, historyOf(run), 1000)

test('a busy run in which a sparse source has no row is suspicious, a quiet one is not', () => {
  const probed = { from: 0, to: 4999 }
  const contracts = source(bucketsOf([10, 4990], probed, 1000), 'sparse', CONTRACTS)
  const chain = (rows: number) => source(bucketsOf(blocksFrom(0, 5000), probed, 1000, rows))
  expect(suspiciousRuns(contracts, [chain(BUSY), contracts], probed, 1000)).toEqual([{ from: 11, to: 4989 }])
  expect(suspiciousRuns(contracts, [chain(BUSY - 1), contracts], probed, 1000)).toEqual([])
})

test('none over more than twice the longest length in which it had none is unusual', () => {
  const often = Array.from({ length: 250 }, (_, index) => 50_500 + index * 1000)
  expect(isUnusual(run, history(often.filter((block) => block < run.from)), 1000)).toBe(true)
  // Once it had none for 1,600 blocks.
  const seldom = often.filter((block) => block < run.from && (block < 100_000 || block > 101_000))
  expect(isUnusual({ ...run, to: run.from + 2_500 }, history(seldom), 1000)).toBe(false)
  expect(isUnusual({ ...run, to: run.from + 4_000 }, history(seldom), 1000)).toBe(true)
})

test('the run is as long as it is, however much of it was done before', () => {
  const often = Array.from({ length: 100 }, (_, index) => 100_500 + index * 1000)
  const part = { from: 210_000, to: 210_100 }
  expect(isUnusual(part, bucketsOf(often, historyOf(part), 1000), 1000)).toBe(true)
})

test('a source of which the history has no row is not judged', () => {
  expect(isUnusual(run, [], 1000)).toBe(false)
})
