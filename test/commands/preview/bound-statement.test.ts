// Owns the promises of statements for people to paste: values where parameters stood, everything else untouched.
import { expect, test } from 'vitest'
import { boundStatement } from '../../../src/sql-syntax/parameters.ts'

const bound = (text: string, values: Record<string, unknown>, settings: Record<string, string> = {}) =>
  boundStatement({ transform: { file: 'a.sql', text, line: 1 }, settings }, values)

test('a parameter in a string, a comment, a heredoc or a quoted name is left alone', () => {
  const text = `SELECT '{x:UInt64}', "{x:UInt64}", $a$ {x:UInt64} $a$ -- {x:UInt64}
  /* {x:UInt64} */, {x:UInt64} AS x, -{x:UInt64} AS \`{x:UInt64}\``
  expect(bound(text, { x: 7 })).toBe(
    text.replace('{x:UInt64} AS x', '7::UInt64 AS x').replace('-{x:UInt64}', '-(7::UInt64)'),
  )
})

test('strings and names are quoted, so that no value ends its own quotes', () => {
  expect(bound('SELECT {s:String}', { s: `it's \\ a\n\t\u0007` })).toBe(`SELECT 'it\\'s \\\\ a\\n\\t\\x07'`)
  expect(bound('SELECT 1 FROM {d:Identifier}.t', { d: 'a`b\\c' })).toBe('SELECT 1 FROM `a\\`b\\\\c`.t')
  expect(bound('SELECT {a:Array(String)}', { a: `['x']` })).toBe(`SELECT '[\\'x\\']'::Array(String)`)
})

test('maps are no parameters, and a parameter without a value stays', () => {
  expect(bound(`SELECT {'a': 1}, {y:UInt8}`, { x: 1 })).toBe(`SELECT {'a': 1}, {y:UInt8}`)
})

test('the settings of the header are part of the statement', () => {
  expect(bound('SELECT 1', {}, { max_threads: '4', join_algorithm: 'hash' })).toBe(
    `SELECT * FROM (\nSELECT 1\n)\nSETTINGS max_threads = 4, join_algorithm = 'hash'`,
  )
})
