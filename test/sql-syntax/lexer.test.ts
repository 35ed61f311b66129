import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { lex, significantTokens, unquoted, type Token } from '../../src/sql-syntax/lexer.ts'

const sql = (text: string) => ({ file: 'a.sql', text, line: 1 })
const kinds = (text: string) => significantTokens(sql(text)).map(({ kind }) => kind)
const texts = (text: string) => significantTokens(sql(text)).map((token) => token.text)

test('the texts of all tokens, joined, are the input', () => {
  const piece = fc.constantFrom(
    'a',
    '1',
    '.',
    ' ',
    '\n',
    "'x'",
    '`y`',
    '--z\n',
    '/*c*/',
    '-',
    '/',
    '(',
    ')',
    '$$h$$',
    'é',
  )
  fc.assert(
    fc.property(fc.array(piece), (pieces) => {
      const text = pieces.join('').replaceAll('é', "'é'")
      expect([...lex(sql(text))].map((token) => token.text).join('')).toBe(text)
    }),
  )
})

/** The lexed part of a text, and the error that ended it. */
function lexed(text: string): { readonly joined: string; readonly error: string } {
  let joined = ''
  try {
    for (const token of lex(sql(text))) joined += token.text
    return { joined, error: '' }
  } catch (error) {
    return { joined, error: String(error) }
  }
}

test('any text at all is either lexed completely or refused with file and line', () => {
  const unit = fc.constantFrom(...Array.from('\'"`$\\/*-#! \nab1.;{}é‘’'))
  fc.assert(
    fc.property(fc.string({ unit }), (text) => {
      const { joined, error } = lexed(text)
      expect(text.startsWith(joined)).toBe(true)
      expect(error).toMatch(joined === text ? /^$/ : /^BackfillError: a\.sql:\d+: /)
    }),
  )
})

test.for<[string, string[]]>([
  ['1 -- c; d\n+1', ['1', '+', '1']],
  ['1 // c\n+1', ['1', '+', '1']],
  ['1 # c\n+1', ['1', '+', '1']],
  ['1 #! c\n+1', ['1', '+', '1']],
  ['1 /* a /* b */ c */ +1', ['1', '+', '1']],
  ['1 -- c\r+1\n+2', ['1', '+', '2']],
  [String.raw`'a''b\'c'`, [String.raw`'a''b\'c'`]],
  ['‘a;’ “b;”', ['‘a;’', '“b;”']],
  ["x'41' b'01'", ["x'41'", "b'01'"]],
  ["ab'x'", ['ab', "'x'"]],
  ['$x$a;$$b$x$', ['$x$a;$$b$x$']],
  ['$$a;b$$', ['$$a;b$$']],
  ['x.1.2', ['x', '.', '1', '.', '2']],
  ['(a).1', ['(', 'a', ')', '.', '1']],
  ['1 .5', ['1', '.', '5']],
  ['= .5', ['=', '.5']],
  ['1.5e-3 0xFFp1 0b01 1_000 1a', ['1.5e-3', '0xFFp1', '0b01', '1_000', '1a']],
  ['5 − 3\u00a0+\u20031', ['5', '−', '3', '+', '1']],
  ['\ufeffSELECT', ['SELECT']],
  ['a<=>b::c->d||e!=f', ['a', '<=>', 'b', '::', 'c', '->', 'd', '||', 'e', '!=', 'f']],
  ['- -1', ['-', '-', '1']],
])('%j is read as ClickHouse reads it', ([text, expected]) => {
  expect(texts(text)).toEqual(expected)
})

test('a name may begin with a digit, and a number stays one', () => {
  expect(kinds('24h_gas 1inch 7d _1')).toEqual(['word', 'word', 'word', 'word'])
  expect(kinds('.5 24 1_000 1e5 1e+5 1.5e-3 0xFFp1 0b01')).toEqual(Array(8).fill('number'))
})

test.for([
  ["\n\n'open", 'a.sql:3: the string that begins here is never closed'],
  ["'open\\'", 'a.sql:1: the string that begins here is never closed'],
  ['\n`open', 'a.sql:2: the quoted identifier that begins here is never closed'],
  ['"open', 'a.sql:1: the quoted identifier that begins here is never closed'],
  ['a\n/* /* */', 'a.sql:2: the comment that begins here is never closed'],
  ['$tag$ open $other$', 'a.sql:1: the heredoc that begins here is never closed'],
  ['SELECT 1 #comment', "a.sql:1: ClickHouse does not know the character '#' here"],
  ['SELECT 🦄', "a.sql:1: ClickHouse does not know the character '🦄' here"],
])('%j is refused with its line', ([text, message]) => {
  expect(() => [...lex(sql(text!))]).toThrow(message)
})

test('a token knows its line, counted from the line of the text', () => {
  const tokens = significantTokens({ file: 'a.sql', text: "a\n'\n\n' /*\n*/ b", line: 10 })
  expect(tokens.map(({ text, line }) => [text, line])).toEqual([
    ['a', 10],
    ["'\n\n'", 11],
    ['b', 14],
  ])
})

test.for([
  ['`a``b\\`c`', 'a`b`c'],
  ['"a""b`c"', 'a"b`c'],
  ["'it''s \\'x\\''", "it's 'x'"],
  ['plain', 'plain'],
])('%s stands for %s', ([text, name]) => {
  expect(unquoted(significantTokens(sql(text!))[0] as Token)).toBe(name)
})
