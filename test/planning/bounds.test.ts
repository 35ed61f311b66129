import { expect, test } from 'vitest'
import type { Density } from '../../src/model/model.ts'
import {
  type Bounds,
  type BoundsInput,
  owedToDependants,
  type SourceExtent,
  tableBounds,
} from '../../src/planning/bounds.ts'

const source = (density: Density, from: number, to: number): SourceExtent => ({
  table: `${density}_source`,
  density,
  extent: { from, to },
})
const emptySource = (table: string, density: Density): SourceExtent => ({ table, density, extent: undefined })

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
    source('transaction', 100, 900),
    source('transaction', 300, 900),
    source('common', 500, 900),
  ]
  expect(boundsOf({ sources }).owed).toEqual({ from: 300, to: 900 })
})

test('a table without a transaction source begins where the first of its sources does', () => {
  expect(boundsOf({ sources: [source('common', 500, 900), source('common', 200, 900)] }).owed).toEqual({
    from: 200,
    to: 900,
  })
})

test('the head is the lowest of the transaction and common sources’ highest blocks, minus the lag', () => {
  const sources = [source('transaction', 0, 9000), source('transaction', 0, 8500), source('common', 0, 8000)]
  expect(boundsOf({ sources, lag: 384 }).owed).toEqual({ from: 0, to: 7616 })
})

test('a sparse source does not bound the head, nor the first block', () => {
  const sources = [source('transaction', 10, 9000), source('sparse', 4000, 5000)]
  expect(boundsOf({ sources }).owed).toEqual({ from: 10, to: 9000 })
})

test('an empty sparse source bounds nothing: there may have been no contract yet', () => {
  const sources = [source('transaction', 10, 9000), emptySource('canonical_execution_contracts', 'sparse')]
  expect(boundsOf({ sources }).owed).toEqual({ from: 10, to: 9000 })
})

test('a table that reads only sparse sources has no other bounds than theirs', () => {
  expect(boundsOf({ sources: [source('sparse', 4000, 5000)] }).owed).toEqual({ from: 4000, to: 5000 })
})

test('an empty source owes nothing and says which', () => {
  const sources = [
    source('transaction', 0, 9000),
    emptySource('canonical_execution_nonce_diffs', 'transaction'),
  ]
  expect(boundsOf({ sources })).toMatchObject({
    owed: undefined,
    note: 'no rows of this network in canonical_execution_nonce_diffs',
  })
  const common = [source('transaction', 0, 9000), emptySource('canonical_execution_storage_diffs', 'common')]
  expect(boundsOf({ sources: common }).note).toContain('canonical_execution_storage_diffs')
})

test('where the lag leaves nothing, the note says so and names --lag 0', () => {
  const young = boundsOf({ sources: [source('transaction', 0, 300)], lag: 384 })
  expect(young.owed).toBeUndefined()
  expect(young.note).toContain('nothing is left 384 blocks below the newest block 300')
  expect(young.note).toContain('--lag 0')
})

test('--lag 0 is not advised where it would not help', () => {
  const apart = boundsOf({
    sources: [source('transaction', 5000, 9000), source('common', 0, 4000)],
    lag: 384,
  })
  expect(apart).toMatchObject({ owed: undefined, note: 'the first block is 5000, the head 3616' })
})

test('the block exactly lag blocks below the newest is owed, the next is not', () => {
  expect(boundsOf({ sources: [source('transaction', 0, 384)], lag: 384 }).owed).toEqual({ from: 0, to: 0 })
})

test('blocks cuts both ends, and only where it is narrower than the sources', () => {
  const sources = [source('transaction', 100, 900)]
  const owed = (from: number | undefined, to: number | undefined) =>
    boundsOf({ sources, limits: { from, to } }).owed
  expect(owed(300, 500)).toEqual({ from: 300, to: 500 })
  expect(owed(0, 5000)).toEqual({ from: 100, to: 900 })
  expect(owed(undefined, 500)).toEqual({ from: 100, to: 500 })
  expect(owed(300, undefined)).toEqual({ from: 300, to: 900 })
})

test('a table whose blocks the sources do not have owes nothing and says both', () => {
  const sources = [source('transaction', 100, 900)]
  const before = boundsOf({ sources, limits: { from: 1000, to: undefined } })
  expect(before).toMatchObject({ owed: undefined, note: 'its blocks are 1000.., the sources have 100..900' })
  // ..dencun-1 on a network that was born with dencun
  const never = boundsOf({ sources, limits: { from: undefined, to: -1 } })
  expect(never).toMatchObject({ owed: undefined, note: 'its blocks are ..-1, the sources have 100..900' })
  expect(owedToDependants(never)).toBeUndefined()
})

test('--to raises the head above what the sources have, and the natural head tells which blocks are forced', () => {
  const forced = boundsOf({ sources: [source('transaction', 0, 1000)], lag: 384, forcedHead: 1200 })
  expect(forced.owed).toEqual({ from: 0, to: 1200 })
  expect(forced.inputs.naturalHead).toBe(616)
})

test('--to below the head does not lower what is owed', () => {
  expect(boundsOf({ sources: [source('transaction', 0, 1000)], forcedHead: 10 }).owed).toEqual({
    from: 0,
    to: 1000,
  })
})

test('--to does not lift a table over its own blocks', () => {
  const limits = { from: undefined, to: 500 }
  expect(boundsOf({ sources: [source('transaction', 0, 1000)], forcedHead: 1200, limits }).owed).toEqual({
    from: 0,
    to: 500,
  })
})

test('--to makes blocks out of what the lag would have kept back', () => {
  expect(boundsOf({ sources: [source('transaction', 0, 300)], lag: 384, forcedHead: 300 }).owed).toEqual({
    from: 0,
    to: 300,
  })
})

const chain = [source('transaction', 50, DENCUN + 5384)]
const diffs = boundsOf({ sources: chain, lag: 384 })
const before = boundsOf({ sources: chain, lag: 384, limits: { from: undefined, to: DENCUN - 1 } })
const since = boundsOf({
  sources: [...chain, source('sparse', DENCUN + 7, DENCUN + 9)],
  lag: 384,
  limits: { from: DENCUN, to: undefined },
})

test('accounts_alive passes dencun though one of its inputs ends there, and another begins there', () => {
  expect(before.owed).toEqual({ from: 50, to: DENCUN - 1 })
  expect(since.owed).toEqual({ from: DENCUN, to: DENCUN + 5000 })
  expect(boundsOf({ after: [diffs, before, since], lag: 384 }).owed).toEqual({ from: 50, to: DENCUN + 5000 })
})

test('the lag is kept once, not again by every table that reads a derived one', () => {
  const second = boundsOf({ after: [diffs], lag: 384 })
  expect(boundsOf({ after: [second], lag: 384 }).owed).toEqual(diffs.owed)
})

test('a table that reads source and derived tables ends where the first of them does', () => {
  const lower = boundsOf({ sources: [source('transaction', 50, 4000)], lag: 384, after: [diffs] })
  expect(lower.owed).toEqual({ from: 50, to: 3616 })
  expect(boundsOf({ sources: chain, lag: 384, after: [lower] }).owed).toEqual({ from: 50, to: 3616 })
})

test('--to lifts tables that read only derived tables too', () => {
  const forced = boundsOf({ sources: [source('transaction', 0, 1000)], forcedHead: 1200 })
  const dependant = boundsOf({ after: [forced], forcedHead: 1200 })
  expect(dependant.owed).toEqual({ from: 0, to: 1200 })
  expect(dependant.inputs.naturalHead).toBe(1000)
})

test('a table whose inputs have no blocks owes nothing and says so', () => {
  const empty = boundsOf({ sources: [emptySource('canonical_execution_transaction', 'transaction')] })
  expect(boundsOf({ after: [empty] })).toMatchObject({
    owed: undefined,
    note: 'the tables it reads have no blocks yet',
  })
})

test('a table owes its dependants its own blocks from its first block on, above its head too', () => {
  expect(owedToDependants(diffs)).toEqual({ from: 50, to: Number.MAX_SAFE_INTEGER })
  expect(owedToDependants(before)).toEqual({ from: 50, to: DENCUN - 1 })
  expect(owedToDependants(since)).toEqual({ from: DENCUN, to: Number.MAX_SAFE_INTEGER })
})

test('a table whose source is still empty owes its dependants all its blocks: they wait', () => {
  const empty = boundsOf({
    sources: [emptySource('canonical_execution_transaction', 'transaction')],
    limits: { from: 7, to: undefined },
  })
  expect(owedToDependants(empty)).toEqual({ from: 7, to: Number.MAX_SAFE_INTEGER })
})
