import { expect, test } from 'vitest'
import type { BlockCoverage } from '../../src/model/model.ts'
import {
  type Bounds,
  type BoundsInput,
  expectedByDependants,
  type SourceExtent,
  tableBounds,
} from '../../src/planning/bounds.ts'

const source = (blockCoverage: BlockCoverage, from: number, to: number): SourceExtent => ({
  table: `${blockCoverage}_source`,
  blockCoverage,
  extent: { from, to },
})
const emptySource = (table: string, blockCoverage: BlockCoverage): SourceExtent => ({
  table,
  blockCoverage,
  extent: undefined,
})

/** Bounds with no limits, no lag and no force, except where said otherwise. */
const boundsOf = (input: Partial<BoundsInput>): Bounds =>
  tableBounds({
    sources: [],
    after: [],
    limits: { from: undefined, to: undefined },
    lag: 0,
    forcedHead: undefined,
    ...input,
  })

const DENCUN = 19_426_587

test('a table begins at the highest of the transaction sources’ lowest blocks', () => {
  const sources = [
    source('every-block', 100, 900),
    source('every-block', 300, 900),
    source('most-blocks', 500, 900),
  ]
  expect(boundsOf({ sources }).expected).toEqual({ from: 300, to: 900 })
})

test('a table without a transaction source begins where the first of its sources does', () => {
  expect(
    boundsOf({ sources: [source('most-blocks', 500, 900), source('most-blocks', 200, 900)] }).expected,
  ).toEqual({
    from: 200,
    to: 900,
  })
})

test('the head is the lowest of the transaction and common sources’ highest blocks, minus the lag', () => {
  const sources = [
    source('every-block', 0, 9000),
    source('every-block', 0, 8500),
    source('most-blocks', 0, 8000),
  ]
  expect(boundsOf({ sources, lag: 384 }).expected).toEqual({ from: 0, to: 7616 })
})

test('a sparse source does not bound the head, nor the first block', () => {
  const sources = [source('every-block', 10, 9000), source('sparse', 4000, 5000)]
  expect(boundsOf({ sources }).expected).toEqual({ from: 10, to: 9000 })
})

test('an empty sparse source bounds nothing: there may have been no contract yet', () => {
  const sources = [source('every-block', 10, 9000), emptySource('canonical_execution_contracts', 'sparse')]
  expect(boundsOf({ sources }).expected).toEqual({ from: 10, to: 9000 })
})

test('a table that reads only sparse sources has no other bounds than theirs', () => {
  expect(boundsOf({ sources: [source('sparse', 4000, 5000)] }).expected).toEqual({ from: 4000, to: 5000 })
})

test('an empty source has no expected blocks and says which', () => {
  const sources = [
    source('every-block', 0, 9000),
    emptySource('canonical_execution_nonce_diffs', 'every-block'),
  ]
  expect(boundsOf({ sources })).toMatchObject({
    expected: undefined,
    note: 'no rows of this network in canonical_execution_nonce_diffs',
  })
  const common = [
    source('every-block', 0, 9000),
    emptySource('canonical_execution_storage_diffs', 'most-blocks'),
  ]
  expect(boundsOf({ sources: common }).note).toContain('canonical_execution_storage_diffs')
})

test('where the lag leaves nothing, the note says so and names --lag 0', () => {
  const young = boundsOf({ sources: [source('every-block', 0, 300)], lag: 384 })
  expect(young.expected).toBeUndefined()
  expect(young.note).toContain('the lag (384 blocks) is larger than the chain (newest block 300)')
  expect(young.note).toContain('--lag 0')
})

test('--lag 0 is not advised where it would not help', () => {
  const apart = boundsOf({
    sources: [source('every-block', 5000, 9000), source('most-blocks', 0, 4000)],
    lag: 384,
  })
  expect(apart).toMatchObject({ expected: undefined, note: 'the first block is 5000, the head 3616' })
})

test('the block exactly lag blocks below the newest is expected, the next is not', () => {
  expect(boundsOf({ sources: [source('every-block', 0, 384)], lag: 384 }).expected).toEqual({
    from: 0,
    to: 0,
  })
})

test('blocks cuts both ends, and only where it is narrower than the sources', () => {
  const sources = [source('every-block', 100, 900)]
  const expected = (from: number | undefined, to: number | undefined) =>
    boundsOf({ sources, limits: { from, to } }).expected
  expect(expected(300, 500)).toEqual({ from: 300, to: 500 })
  expect(expected(0, 5000)).toEqual({ from: 100, to: 900 })
  expect(expected(undefined, 500)).toEqual({ from: 100, to: 500 })
  expect(expected(300, undefined)).toEqual({ from: 300, to: 900 })
})

test('a table whose blocks the sources do not have has no expected blocks and says both', () => {
  const sources = [source('every-block', 100, 900)]
  const before = boundsOf({ sources, limits: { from: 1000, to: undefined } })
  expect(before).toMatchObject({
    expected: undefined,
    note: 'its blocks are 1000.., the sources have 100..900',
  })
  // ..dencun-1 on a network that was born with dencun
  const never = boundsOf({ sources, limits: { from: undefined, to: -1 } })
  expect(never).toMatchObject({ expected: undefined, note: 'its blocks are ..-1, the sources have 100..900' })
  expect(expectedByDependants(never)).toBeUndefined()
})

test('--to raises the head above what the sources have, and the natural head tells which blocks are forced', () => {
  const forced = boundsOf({ sources: [source('every-block', 0, 1000)], lag: 384, forcedHead: 1200 })
  expect(forced.expected).toEqual({ from: 0, to: 1200 })
  expect(forced.inputs.naturalHead).toBe(616)
})

test('--to below the head does not lower what is expected', () => {
  expect(boundsOf({ sources: [source('every-block', 0, 1000)], forcedHead: 10 }).expected).toEqual({
    from: 0,
    to: 1000,
  })
})

test('--to does not lift a table over its own blocks', () => {
  const limits = { from: undefined, to: 500 }
  expect(boundsOf({ sources: [source('every-block', 0, 1000)], forcedHead: 1200, limits }).expected).toEqual({
    from: 0,
    to: 500,
  })
})

test('--to makes blocks out of what the lag would have kept back', () => {
  expect(boundsOf({ sources: [source('every-block', 0, 300)], lag: 384, forcedHead: 300 }).expected).toEqual({
    from: 0,
    to: 300,
  })
})

const chain = [source('every-block', 50, DENCUN + 5384)]
const diffs = boundsOf({ sources: chain, lag: 384 })
const before = boundsOf({ sources: chain, lag: 384, limits: { from: undefined, to: DENCUN - 1 } })
const since = boundsOf({
  sources: [...chain, source('sparse', DENCUN + 7, DENCUN + 9)],
  lag: 384,
  limits: { from: DENCUN, to: undefined },
})

test('accounts_alive passes dencun though one of its inputs ends there, and another begins there', () => {
  expect(before.expected).toEqual({ from: 50, to: DENCUN - 1 })
  expect(since.expected).toEqual({ from: DENCUN, to: DENCUN + 5000 })
  expect(boundsOf({ after: [diffs, before, since], lag: 384 }).expected).toEqual({
    from: 50,
    to: DENCUN + 5000,
  })
})

test('the lag is kept once, not again by every table that reads a derived one', () => {
  const second = boundsOf({ after: [diffs], lag: 384 })
  expect(boundsOf({ after: [second], lag: 384 }).expected).toEqual(diffs.expected)
})

test('a table that reads source and derived tables ends where the first of them does', () => {
  const lower = boundsOf({ sources: [source('every-block', 50, 4000)], lag: 384, after: [diffs] })
  expect(lower.expected).toEqual({ from: 50, to: 3616 })
  expect(boundsOf({ sources: chain, lag: 384, after: [lower] }).expected).toEqual({ from: 50, to: 3616 })
})

test('--to lifts tables that read only derived tables too', () => {
  const forced = boundsOf({ sources: [source('every-block', 0, 1000)], forcedHead: 1200 })
  const dependant = boundsOf({ after: [forced], forcedHead: 1200 })
  expect(dependant.expected).toEqual({ from: 0, to: 1200 })
  expect(dependant.inputs.naturalHead).toBe(1000)
})

test('a table whose inputs have no blocks has no expected blocks and says so', () => {
  const empty = boundsOf({ sources: [emptySource('canonical_execution_transaction', 'every-block')] })
  expect(boundsOf({ after: [empty] })).toMatchObject({
    expected: undefined,
    note: 'the tables it reads have no blocks yet',
  })
})

test('a table gives its dependants its own blocks to expect from its first block on, above its head too', () => {
  expect(expectedByDependants(diffs)).toEqual({ from: 50, to: Number.MAX_SAFE_INTEGER })
  expect(expectedByDependants(before)).toEqual({ from: 50, to: DENCUN - 1 })
  expect(expectedByDependants(since)).toEqual({ from: DENCUN, to: Number.MAX_SAFE_INTEGER })
})

test('a table whose source is still empty gives its dependants all its blocks to expect: they wait', () => {
  const empty = boundsOf({
    sources: [emptySource('canonical_execution_transaction', 'every-block')],
    limits: { from: 7, to: undefined },
  })
  expect(expectedByDependants(empty)).toEqual({ from: 7, to: Number.MAX_SAFE_INTEGER })
})

test('of two tables that are read, one that has no blocks yet does not keep the other from bounding', () => {
  const known = boundsOf({ sources: [source('every-block', 100, 900)] })
  const unknown = boundsOf({ sources: [emptySource('a', 'every-block'), emptySource('b', 'most-blocks')] })
  expect(unknown.note).toBe('no rows of this network in a, b')
  expect(boundsOf({ after: [unknown, known] }).expected).toEqual({ from: 100, to: 900 })
  expect(boundsOf({ after: [unknown] })).toMatchObject({
    expected: undefined,
    note: 'the tables it reads have no blocks yet',
  })
})

test('a table of a single block has it, also for those that wait for it', () => {
  const one = boundsOf({ sources: [source('every-block', 7, 7)], limits: { from: undefined, to: 7 } })
  expect(one.expected).toEqual({ from: 7, to: 7 })
  expect(expectedByDependants(one)).toEqual({ from: 7, to: 7 })
})

test('the newest block may be the first one: then the lag is what leaves nothing', () => {
  expect(boundsOf({ sources: [source('every-block', 300, 300)], lag: 1 }).note).toContain('--lag 0')
})

test('a source whose rows arrive later holds the head back by its own lag, whatever the lag of the others', () => {
  const late = { ...source('most-blocks', 0, 9000), lag: 600 }
  expect(boundsOf({ sources: [source('every-block', 0, 9000), late], lag: 64 }).inputs.naturalHead).toBe(8400)
  expect(boundsOf({ sources: [source('every-block', 0, 8000), late], lag: 64 }).inputs.naturalHead).toBe(7936)
  expect(boundsOf({ sources: [{ ...late, lag: 0 }], lag: 64 }).inputs.naturalHead).toBe(9000)
})
