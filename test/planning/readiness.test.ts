import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import type { BlockCoverage } from '../../src/model/model.ts'
import { type BoundsInput, type SourceExtent, tableBounds } from '../../src/planning/bounds.ts'

const source = (blockCoverage: BlockCoverage, from: number, to: number): SourceExtent => ({
  table: `${blockCoverage}_source`,
  blockCoverage,
  extent: { from, to },
})
const boundsOf = (input: Partial<BoundsInput>) =>
  tableBounds({ sources: [], after: [], limits: { from: undefined, to: undefined }, lag: 0, ...input })

test('a source that says how far it is complete ends its tables there, whatever its block coverage, and says why', () => {
  const sources = [
    source('every-block', 1, 900),
    { ...source('sparse', 5, 20), ready: { to: 700, reason: 'no traces of block 701' } },
  ]
  expect(boundsOf({ sources, lag: 100 })).toMatchObject({
    expected: { from: 1, to: 700 },
    unready: 'waiting for sparse_source, which is ready up to block 700: no traces of block 701',
  })
  expect(boundsOf({ sources, lag: 300 })).toMatchObject({
    expected: { from: 1, to: 600 },
    unready: undefined,
  })
  expect(boundsOf({ sources, forcedHead: 800 }).expected).toEqual({ from: 1, to: 800 })
})

test('a source of which nothing is complete leaves no block, and the lag is not blamed', () => {
  const sources = [{ ...source('every-block', 1, 900), ready: { to: -1, reason: '' } }]
  expect(boundsOf({ sources })).toMatchObject({
    expected: undefined,
    note: 'waiting for every-block_source, which is ready nowhere',
    unready: 'waiting for every-block_source, which is ready nowhere',
  })
})

test('readiness never takes a table further than the lag does', () => {
  const ready = fc.option(fc.record({ to: fc.integer({ min: -1, max: 2000 }), reason: fc.constant('') }), {
    nil: undefined,
  })
  fc.assert(
    fc.property(ready, ready, fc.nat({ max: 50 }), (one, other, lag) => {
      const plain = [source('every-block', 1, 900), source('most-blocks', 1, 1000)]
      const to = Math.min(900 - lag, one?.to ?? Infinity, other?.to ?? Infinity)
      const sources = [
        { ...plain[0]!, ready: one },
        { ...plain[1]!, ready: other },
      ]
      expect(boundsOf({ sources, lag }).expected).toEqual(to < 1 ? undefined : { from: 1, to })
    }),
  )
})
