// Owns the promise that what is said of rows at impossible positions is true of those below 0, too.
import { expect, test } from 'vitest'
import { MAX_BLOCK } from '../../src/sources/source.ts'
import { strayTexts } from '../../src/planning/table-status.ts'

test('rows that are left out may be at positions below 0, which are read as huge ones: both are said', () => {
  expect(strayTexts({ strays: [{ source: 'ev', above: MAX_BLOCK }] })).toEqual([
    'ev has rows at positions below 0 or above 9000000000000000: they are taken for mistakes and left out',
  ])
  expect(strayTexts({ strays: [] })).toEqual([])
})
