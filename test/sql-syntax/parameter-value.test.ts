import { expect, test } from 'vitest'
import { significantTokens } from '../../src/sql-syntax/lexer.ts'
import { boundText } from '../../src/sql-syntax/parameters.ts'

const tokens = (text: string) => significantTokens({ file: 'a.sql', text, line: 1 })
const bound = (type: string, literal: string) => boundText(tokens(type), tokens(literal))

test.for([
  ['String', String.raw`'tab\there'`, String.raw`tab\there`],
  ['String', "'it''s'", String.raw`it\'s`],
  ['UInt64', '1_000', '1000'],
  ['Nullable(String)', 'NULL', String.raw`\N`],
  ['Array(String)', "['a', 'b''c']", String.raw`['a', 'b\'c']`],
  ['Array(UInt8)', 'array(1, 2)', '[1, 2]'],
  ['Map(String, UInt8)', "map('a', 1, 'b', 2)", "{'a':1, 'b':2}"],
  ['Tuple(a UInt64, b String)', "tuple(1, 'x')", "(1, 'x')"],
  ["Enum8('a' = 1, 'b' = 2)", "'b'", 'b'],
  ['Decimal(4, 2)', '12.340', '12.340'],
  ['Int8', '-128', '-128'],
])('a %s written as %s is bound as %s', ([type, literal, text]) => {
  expect(bound(type!, literal!)).toEqual({ text })
})

test.for([
  ['UInt8', '300'],
  ['UInt64', '18446744073709551616'],
  ['Int8', '200'],
  ['UInt8', '-1'],
  ['UInt8', '1.5'],
  ['Array(UInt8)', '[1, 300]'],
  ['Map(String, UInt8)', "map('a', 256)"],
  ['Map(String, UInt8)', "{'a': 256}"],
  ['Tuple(a UInt8, b String)', "(256, 'x')"],
  ['Nullable(UInt8)', '300'],
  ['Decimal(4, 2)', '1.239'],
  ['Decimal(4, 2)', '123'],
])('what a %s cannot hold is refused: %s', ([type, literal]) => {
  expect(bound(type!, literal!)).toEqual({ problem: expect.stringMatching(/does not fit|is not a value/) })
})
