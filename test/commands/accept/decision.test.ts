// Owns the promises of what may be accepted: every block of a range has one decision, and only what nobody can run passes.
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { evaluate } from '../../../src/commands/accept/accept.ts'
import { blockSet, countBlocks, intersect, subtract, union } from '../../../src/model/blocks.ts'

const set = (...ranges: (readonly [number, number])[]) => blockSet(ranges.map(([from, to]) => ({ from, to })))

const NOTHING = {
  range: { from: 0, to: 100 },
  limits: { from: undefined, to: undefined },
  expected: { from: 0, to: 100 },
  done: [],
  accepted: [],
  dirty: [],
  sourceGaps: [],
  incomplete: [],
}

test('source gaps and incomplete blocks are accepted; done, dirty and runnable ones are refused, each with its reason', () => {
  expect(
    evaluate({
      ...NOTHING,
      expected: { from: 10, to: 90 },
      done: set([10, 20]),
      accepted: set([21, 25]),
      dirty: set([26, 30]),
      sourceGaps: set([31, 50]),
      incomplete: set([55, 55]),
    }),
  ).toEqual({
    sourceGaps: set([31, 50]),
    incomplete: set([55, 55]),
    already: set([21, 25]),
    refused: [
      { reason: 'below', blocks: set([0, 9]) },
      { reason: 'above', blocks: set([91, 100]) },
      { reason: 'done', blocks: set([10, 20]) },
      { reason: 'dirty', blocks: set([26, 30]) },
      { reason: 'ready', blocks: set([51, 54], [56, 90]) },
    ],
  })
})

test('blocks outside the table’s own limits are nobody’s business: neither accepted nor refused', () => {
  const decision = evaluate({
    ...NOTHING,
    limits: { from: 40, to: 59 },
    expected: { from: 40, to: 59 },
    sourceGaps: set([0, 100]),
  })
  expect(decision).toMatchObject({ sourceGaps: set([40, 59]), refused: [] })
})

test('a table whose sources are empty has nothing to accept', () => {
  expect(evaluate({ ...NOTHING, expected: undefined, sourceGaps: set([0, 100]) })).toMatchObject({
    sourceGaps: [],
    refused: [{ reason: 'below', blocks: set([0, 100]) }],
  })
})

const anyRange = fc
  .tuple(fc.nat(60), fc.nat(60))
  .map(([a, b]) => ({ from: Math.min(a, b), to: Math.max(a, b) }))
const anySet = fc.array(anyRange, { maxLength: 4 }).map(blockSet)

test('every block within the limits is in exactly one set, and no done or dirty block is ever accepted', () => {
  fc.assert(
    fc.property(
      fc.record({
        range: anyRange,
        limits: fc.record({
          from: fc.option(fc.nat(60), { nil: undefined }),
          to: fc.option(fc.nat(60), { nil: undefined }),
        }),
        expected: fc.option(anyRange, { nil: undefined }),
        done: anySet,
        accepted: anySet,
        dirty: anySet,
        sourceGaps: anySet,
        incomplete: anySet,
      }),
      (input) => {
        const { sourceGaps, incomplete, already, refused } = evaluate(input)
        const parts = [sourceGaps, incomplete, already, ...refused.map(({ blocks }) => blocks)]
        const { from = 0, to = 1000 } = input.limits
        const whole = intersect([input.range], from <= to ? [{ from, to }] : [])
        expect(blockSet(parts.flat())).toEqual(blockSet([...whole]))
        expect(parts.reduce((sum, part) => sum + countBlocks(part), 0)).toBe(countBlocks(whole))
        const accepted = union(sourceGaps, incomplete)
        expect(intersect(accepted, union(input.done, input.dirty))).toEqual([])
        expect(subtract(accepted, input.expected === undefined ? [] : [input.expected])).toEqual([])
      },
    ),
  )
})
