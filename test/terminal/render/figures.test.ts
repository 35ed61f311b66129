// Owns the promises of figures and texts on every screen: percentages and bars that do not flatter, lines that fit.
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { coverageBar } from '../../../src/terminal/render/bar.ts'
import { percent } from '../../../src/terminal/render/format.ts'
import { wrap } from '../../../src/terminal/render/wrap.ts'

test('100.0 % is shown only when no block is missing, and the percentage is never rounded up', () => {
  const blocks = fc.integer({ min: 1, max: 2 ** 43 })
  fc.assert(
    fc.property(blocks, blocks, (a, b) => {
      const [done, expected] = [Math.min(a, b), Math.max(a, b)]
      const tenths = Math.round(Number.parseFloat(percent(done, expected)) * 10)
      expect(tenths === 1000).toBe(done === expected)
      expect(BigInt(tenths) * BigInt(expected)).toBeLessThanOrEqual(BigInt(done) * 1000n)
      expect(BigInt(tenths + 1) * BigInt(expected)).toBeGreaterThan(BigInt(done) * 1000n)
    }),
    { examples: [[2 ** 43 - 1, 2 ** 43]] },
  )
  expect(percent(0, 0)).toBe('-')
})

test('a coverage bar is full only when every block is done', () => {
  const range = fc
    .tuple(fc.nat(200), fc.nat(200))
    .map(([a, b]) => ({ from: Math.min(a, b), to: Math.max(a, b) }))
  fc.assert(
    fc.property(fc.array(range), fc.integer({ min: 1, max: 30 }), (covered, cells) => {
      const span = { from: 0, to: 200 }
      const all = Array.from({ length: 201 }, (_, n) => covered.some(({ from, to }) => from <= n && n <= to))
      const bar = coverageBar({ span, covered, blocked: [] }, cells)
      expect(bar).toHaveLength(cells)
      expect(bar === '█'.repeat(cells)).toBe(all.every(Boolean))
      expect(bar === '·'.repeat(cells)).toBe(!all.some(Boolean))
    }),
  )
})

test('a bar of more cells than blocks still shows each block', () => {
  expect(coverageBar({ span: { from: 7, to: 8 }, covered: [{ from: 7, to: 7 }], blocked: [] }, 6)).toBe(
    '███···',
  )
})

test('a sentence is broken at blanks, a command only where a shell can take it', () => {
  expect(wrap('a table: `backfill up --lag 0` fills it', 26)).toEqual([
    'a table:',
    '  `backfill up --lag 0`',
    '  fills it',
  ])
  expect(wrap('Next: `backfill up --network demo --lag 0` runs', 24)).toEqual([
    'Next: `backfill up \\',
    '  --network demo --lag \\',
    '  0` runs',
  ])
  const words = fc.array(fc.stringMatching(/^[a-z`]{1,9}$/), { minLength: 1 })
  fc.assert(
    fc.property(words, fc.integer({ min: 16, max: 60 }), (some, width) => {
      const lines = wrap(some.join(' '), width)
      expect(lines.filter((line) => line.length > width)).toEqual([])
      expect(lines.map((line) => line.replace(/ \\$/, '').trim()).join(' ')).toBe(some.join(' '))
    }),
  )
})
