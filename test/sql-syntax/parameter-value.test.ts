import { expect, test } from 'vitest'
import { significantTokens } from '../../src/sql-syntax/lexer.ts'
import { boundText } from '../../src/sql-syntax/parameter-value.ts'

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
  ['Decimal(10, 2)', '1e2', '1e2'],
  ['Array(TINYINT UNSIGNED)', '[255]', '[255]'],
  ['Nullable(Float64)', '-inf', '-inf'],
  ['LowCardinality(Nullable(String))', 'NULL', String.raw`\N`],
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
  ['Decimal(4, 2)', '1.2399e1'],
  ['Decimal64(2)', '1.239'],
  ['Decimal(4)', '1.5'],
  ['numeric(4, 2)', "'1.239'"],
  ['TINYINT', '300'],
  ['tinyint unsigned', '-1'],
  ['INT', '5000000000'],
  ['Array(TINYINT UNSIGNED)', '[256]'],
  ['Tuple(a BIGINT)', '(9223372036854775808)'],
  ['String', 'NULL'],
  ['LowCardinality(String)', 'NULL'],
])('what a %s cannot hold is refused: %s', ([type, literal]) => {
  expect(bound(type!, literal!)).toEqual({ problem: expect.stringMatching(/does not fit|is not a value/) })
})

test.for([
  ['String', "concat('a', 'b')"],
  ['String', "'a' 'b'"],
  ['String', '$$a$$'],
  ['Date', '2024-01-01'],
  ['UInt64', '1 + 1'],
  ['Float64', '1 / 3'],
])('the text of an expression is no %s: %s', ([type, literal]) => {
  expect(bound(type!, literal!)).toEqual({ problem: expect.stringMatching(/is not (one literal|a value)/) })
})
