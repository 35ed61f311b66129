// Owns the promise that a source which holds a table back is named.
import { expect, test } from 'vitest'
import type { BlockCoverage } from '../../src/model/model.ts'
import { type BoundsInput, type SourceExtent, tableBounds } from '../../src/planning/bounds.ts'

const source = (table: string, to: number, blockCoverage: BlockCoverage = 'most-blocks'): SourceExtent => ({
  table,
  blockCoverage,
  extent: { from: 0, to },
})

const slowOf = (input: Partial<BoundsInput>) =>
  tableBounds({ sources: [], after: [], limits: { from: undefined, to: undefined }, lag: 0, ...input }).slow

test('a source that ends far below the others is named, unless it may be late or the table ends before', () => {
  const [first, late] = [source('first', 9000), source('late', 8899)]
  expect(slowOf({ sources: [first, late] })).toBe(
    'late ends at block 8899, 101 blocks below its other sources: nothing later runs before it has rows',
  )
  const known: readonly Partial<BoundsInput>[] = [
    { sources: [first, source('late', 8900)] },
    { sources: [first, { ...late, lag: 50 }] },
    { sources: [first, late], limits: { from: undefined, to: 8899 } },
    { sources: [first, source('late', 8899, 'sparse')] },
    { sources: [late] },
  ]
  for (const input of known) expect(slowOf(input)).toBeUndefined()
})
