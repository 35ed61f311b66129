// Owns the promise about how far the change of a source's data part reaches.
import { expect, test } from 'vitest'
import type { SourcePart } from '../../src/ledger/findings.ts'
import { countBlocks } from '../../src/model/blocks.ts'
import { changedBlocks } from '../../src/planning/probe-missing.ts'

const part = (from: number, to: number, hash = 'a', source = 'one'): SourcePart => ({
  source,
  hash,
  rows: 1,
  from,
  to,
})
const question = { sources: ['one', 'two'], sourceGapBlocks: 1000 }
const other = part(1, 9, 'b', 'two')
const REACH = 504_000

test('the same parts in any order change nothing', () => {
  expect(changedBlocks([part(5, 9), other], [other, part(5, 9)], question)).toEqual([])
})

test('a part that came, went, or has another content, number of rows or end reaches its blocks and those around them', () => {
  const at = part(3_000_000, 3_000_010)
  const reached = [{ from: 3_000_000 - REACH, to: 3_000_010 + REACH }]
  const stays = [part(5, 9), other]
  expect(changedBlocks(stays, [...stays, at], question)).toEqual(reached)
  expect(changedBlocks([...stays, at], stays, question)).toEqual(reached)
  for (const changed of [
    { ...at, hash: 'z' },
    { ...at, rows: 2 },
  ])
    expect(changedBlocks([...stays, at], [...stays, changed], question)).toEqual(reached)
  expect(changedBlocks([...stays, at], [...stays, { ...at, to: 3_000_020 }], question)).toEqual([
    { from: 3_000_000 - REACH, to: 3_000_020 + REACH },
  ])
})

test('where a source has no row, or had none, one change is enough to look at everything', () => {
  for (const [before, now] of [
    [[part(5, 9)], [part(5, 9), part(10, 10)]],
    [[part(5, 9), other], [part(5, 9)]],
    [[part(5, 9)], [part(5, 9), other]],
  ])
    expect(countBlocks(changedBlocks(before!, now!, question))).toBeGreaterThan(1e15)
  expect(changedBlocks([part(5, 9)], [part(5, 9)], question)).toEqual([])
})
