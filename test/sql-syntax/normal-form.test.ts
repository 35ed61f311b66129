import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { normalForm } from '../../src/sql-syntax/statements.ts'

const form = (text: string) => normalForm({ file: 'a.sql', text, line: 1 })

const anyCharacter = fc.string({ unit: fc.constantFrom(...Array.from(' \n\t;-/*#ab\'"`${}')) })
const token = fc.oneof(
  fc.constantFrom(
    'SELECT',
    'a',
    'A',
    'a1',
    '_b',
    '1',
    '12',
    '0xF',
    '(',
    ')',
    ',',
    '-',
    '+',
    '/',
    '*',
    '=',
    '::',
    '->',
    '{',
    '}',
  ),
  anyCharacter.map((content) => `'${content.replaceAll("'", "''")}'`),
  anyCharacter.map((content) => `\`${content.replaceAll('`', '\\`')}\``),
  anyCharacter.map((content) => `$t$${content.replaceAll('$', '')}$t$`),
)
const gap = fc
  .tuple(
    fc.constantFrom(' ', '\n', '\t', '\r\n', '\u00a0'),
    fc.array(fc.constantFrom(' ', '\n', "-- c; '\n", '# c\n', '// "\n', '/* ; /* `x */ */', '#! c\n'), {
      maxLength: 3,
    }),
  )
  .map(([white, comments]) => white + comments.join(''))
const gapped = fc.array(fc.tuple(token, gap, gap), { minLength: 1 })

test('white space and comments between tokens change nothing', () => {
  fc.assert(
    fc.property(gapped, (parts) => {
      const one = parts.map(([text, before]) => before + text).join('')
      const other = parts.map(([text, , behind]) => text + behind).join('')
      expect(form(one)).toBe(form(other))
    }),
  )
})

test('two texts of other tokens never have the same normal form', () => {
  fc.assert(
    fc.property(fc.array(token), fc.array(token), (one, other) => {
      fc.pre(one.join('\0') !== other.join('\0'))
      expect(form(one.join(' '))).not.toBe(form(other.join(' ')))
    }),
  )
})

test('changing, leaving out or adding one token shows', () => {
  fc.assert(
    fc.property(fc.array(token, { minLength: 1 }), fc.nat(), token, (tokens, at, replacement) => {
      const index = at % tokens.length
      fc.pre(tokens[index] !== replacement)
      const original = form(tokens.join(' '))
      expect(form(tokens.with(index, replacement).join(' '))).not.toBe(original)
      expect(form(tokens.toSpliced(index, 1).join(' '))).not.toBe(original)
      expect(form(tokens.toSpliced(index, 0, replacement).join(' '))).not.toBe(original)
    }),
  )
})

test('the normal form is its own normal form', () => {
  fc.assert(
    fc.property(gapped, (parts) => {
      const once = form(parts.flat().join(''))
      expect(form(once)).toBe(once)
    }),
  )
})

test.for([
  ['a b', 'ab'],
  ['1 .5', '1.5'],
  ['- -1', '--1\n'],
  ["'a  b'", "'a b'"],
  ["'a' 'b'", "'a''b'"],
  ['SELECT `a b`', 'SELECT `a  b`'],
  ['SELECT 1', 'SELECT 1 + 1'],
])('%j and %j are different SQL', ([one, other]) => {
  expect(form(one!)).not.toBe(form(other!))
})

test.for([
  ['a+b', 'a + b'],
  ['f(x,y)', 'f ( x , y )'],
  ['x.1.2', 'x . 1 . 2'],
  ['SELECT 1--c', '-- d\r\nSELECT/* e */1'],
])('%j and %j are the same SQL', ([one, other]) => {
  expect(form(one!)).toBe(form(other!))
})
