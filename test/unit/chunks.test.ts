import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { cutChunks, firstChunk } from '../../src/runner/pure/chunks.ts'
import { blockSet, covers } from '../../src/runner/pure/interval.ts'

const someRange = fc.tuple(fc.nat(200), fc.nat(60)).map(([from, more]) => ({ from, to: from + more }))
const someSet = fc.array(someRange, { maxLength: 8 }).map(blockSet)
const someSize = fc.integer({ min: 1, max: 25 })

test('chunks ascend, are disjoint, and have the blocks of the set and no other', () => {
  fc.assert(
    fc.property(someSet, someSize, (set, size) => {
      const chunks = cutChunks(set, size)
      expect(blockSet(chunks)).toEqual(set)
      for (const [index, { from }] of chunks.entries())
        if (index > 0) expect(from).toBeGreaterThan(chunks[index - 1]!.to)
    }),
  )
})

test('no chunk is longer than the size or spans a block that the set lacks', () => {
  fc.assert(
    fc.property(someSet, someSize, (set, size) => {
      for (const chunk of cutChunks(set, size)) {
        expect(chunk.to - chunk.from + 1).toBeLessThanOrEqual(size)
        expect(covers(set, chunk)).toBe(true)
      }
    }),
  )
})

test('no more chunks are cut than each stretch needs', () => {
  fc.assert(
    fc.property(someSet, someSize, (set, size) => {
      const needed = set.reduce((sum, { from, to }) => sum + Math.ceil((to - from + 1) / size), 0)
      expect(cutChunks(set, size)).toHaveLength(needed)
    }),
  )
})

test('the first chunk is the first of all chunks', () => {
  fc.assert(
    fc.property(someSet, someSize, (set, size) => {
      expect(firstChunk(set, size)).toEqual(cutChunks(set, size)[0])
    }),
  )
})
