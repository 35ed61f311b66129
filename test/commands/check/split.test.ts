import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { piecesOf } from '../../../src/commands/check/split.ts'

test('pieces are the range, each of its blocks once, and at most sixteen', () => {
  fc.assert(
    fc.property(fc.nat({ max: 2_000_000_000 }), fc.nat({ max: 200_000 }), (from, more) => {
      const to = from + more
      const pieces = piecesOf({ from, to })
      expect([pieces[0]!.from, pieces.at(-1)!.to]).toEqual([from, to])
      expect(pieces.slice(1).every((piece, at) => piece.from === pieces[at]!.to + 1)).toBe(true)
      expect(pieces.length).toBeLessThanOrEqual(16)
    }),
  )
})

test('cuts go through slots, epochs, hours and thousands of blocks', () => {
  for (const grid of [12, 384, 3600, 1000]) {
    const cuts = piecesOf({ from: 0, to: 16 * grid - 1 }).slice(1)
    // A common multiple of grid and length is hit once.
    expect(cuts.filter(({ from }) => from % grid === 0).length).toBeLessThanOrEqual(1)
    expect(cuts.length).toBeGreaterThan(10)
  }
})
