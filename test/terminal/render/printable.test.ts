// Owns the promise that nothing foreign commands a terminal or a CI log, or begins a line, whatever is printed.
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { markedColors, printable, printableJson } from '../../../src/terminal/render/printable.ts'

const colors = markedColors(true)
const ESC = '\u001b'

test('our own colours are codes, and those of data are text', () => {
  expect(printable(colors.red('bad'))).toBe(`${ESC}[31mbad${ESC}[39m`)
  expect(printable(colors.red(`a${ESC}[2Jb\r\nc\u202e`))).toBe(
    `${ESC}[31ma\\x1b[2Jb\\r\\nc\\u{202e}${ESC}[39m`,
  )
  expect(printable(markedColors(false).red(`a${ESC}]0;owned\u0007`))).toBe('a\\x1b]0;owned\\x07')
})

test('no line is a command of a CI system', () => {
  expect(printable('::add-mask::x')).toBe('\\::add-mask::x')
  expect(printable('  ::error::x')).toBe('  \\::error::x')
  expect(printable(colors.bold('::error::x'))).toBe(`${ESC}[1m\\::error::x${ESC}[22m`)
  expect(printable('a.sql\n::error::x')).toBe('a.sql\\n::error::x')
  expect(printable('a ##[add-path]b ##vso[task.x]')).toBe('a #\\#[add-path]b #\\#vso[task.x]')
  expect(printable('toUInt8(x)::String, ##')).toBe('toUInt8(x)::String, ##')
})

test('JSON means the same, and holds nothing that a terminal or a CI log obeys', () => {
  const data = { a: 'x\u001b\u009b\u202e\u2028\u{e0001}é ##[x]', 'b\u0085': [1, null] }
  const text = printableJson(JSON.stringify(data))
  expect(JSON.parse(text)).toEqual(data)
  expect(text).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]|##\[/u)
})

test('whatever is printed is one line without control characters, and ours are the only codes', () => {
  const any = fc.string({
    unit: fc.integer({ min: 0, max: 0x2fff }).map((code) => String.fromCodePoint(code)),
  })
  fc.assert(
    fc.property(any, (text) => {
      const line = printable(colors.dim(text)).replace(`${ESC}[2m`, '').replace(`${ESC}[22m`, '')
      expect(line).not.toMatch(/(?!\t)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u)
      expect(line).not.toMatch(/^\s*::/)
    }),
  )
})
