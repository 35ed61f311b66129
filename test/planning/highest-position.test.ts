// Owns the promise that a position which a table cannot hold is a mistake of the source, and never another position.
import { expect, test } from 'vitest'
import type { TableDefinition } from '../../src/model/model.ts'
import { highestPosition } from '../../src/planning/highest-position.ts'
import { MAX_BLOCK } from '../../src/sources/source.ts'

const reading = (type: string, position = 'block_number', sources = ['a']) =>
  ({
    sources,
    position,
    ddl: {
      text: `CREATE TABLE {target:Identifier}.t (block_number ${type}, n UInt8) ENGINE = MergeTree ORDER BY n`,
      file: 't.sql',
      line: 1,
    },
  }) as unknown as TableDefinition

test.each([
  ['UInt8', 255],
  ['UInt16', 65_535],
  ['UInt32', 4_294_967_295],
  ['Int32', 2_147_483_647],
  ['UInt64', MAX_BLOCK],
  ['DateTime', MAX_BLOCK],
] as const)('a column of %s holds positions up to %i', (type, highest) => {
  expect(highestPosition([reading(type)], 'a')).toBe(highest)
})

test('the narrowest of the tables that read a source counts, whether its position is a column or made of one', () => {
  const tables = [
    reading('UInt64'),
    reading('UInt32', 'toUInt64(block_number)'),
    reading('UInt8', 'block_number', ['b']),
  ]
  expect(highestPosition(tables, 'a')).toBe(4_294_967_295)
  expect(highestPosition(tables, 'none')).toBe(MAX_BLOCK)
})
