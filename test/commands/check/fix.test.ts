import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { repairedFile } from '../../../src/commands/check/fix.ts'
import { clauseSettings, onlySelect } from '../../../src/project/transform-statement.ts'
import type { ColumnProblem } from '../../../src/sql-syntax/column-fit.ts'

const problem = (repair: string | undefined): ColumnProblem => ({
  rule: 'E065',
  column: 'x',
  sentence: '',
  hint: '',
  repair,
})
const CAST = problem("accurateCast(`x`, 'UInt8') AS `x`")

const repaired = (rawText: string, problems = [CAST], shared?: string) =>
  repairedFile({ rawText, transform: onlySelect('x.sql', rawText), shared }, problems)

const HEAD =
  "SELECT\n    -- A value that does not fit fails its range, in place of being stored as another one.\n    * EXCEPT (`x`),\n    accurateCast(`x`, 'UInt8') AS `x`\nFROM (\n"

test('what stands around the statement stays, byte for byte', () => {
  const comment = fc.stringMatching(/^[a-z'"();]{0,20}$/)
  fc.assert(
    fc.property(comment, comment, fc.boolean(), (before, behind, ends) => {
      const [head, tail] = ['--! target: t\n', `${ends ? ';' : ''} -- ${behind}\n`]
      const body = `-- ${before}\nSELECT 1 AS x`
      expect(repaired(`${head}${body}${tail}`)).toBe(`${head}${HEAD}${body}\n)${tail}`)
    }),
  )
})

test('a file whose lines end with CRLF has no others afterwards', () => {
  const whole = repaired('--! target: t\r\nSELECT\r\n1 AS x\r\nSETTINGS max_threads = 2\r\n')!
  expect(whole.replaceAll('\r\n', '')).not.toMatch(/[\r\n]/)
})

test('a column that is left out has nothing in its place', () => {
  const out = { ...problem(''), column: 'y' }
  const body = 'SELECT 1 AS x, NULL AS y'
  expect(repaired(body, [out])).toBe(`SELECT\n    * EXCEPT (\`y\`)\nFROM (\n${body}\n)`)
  expect(repaired(body, [CAST, out])).toBe(`${HEAD.replace('(`x`)', '(`x`, `y`)')}${body}\n)`)
})

test('the settings of the statement are those of the whole one', () => {
  const text = 'SELECT 1 AS x -- of it\nSETTINGS max_threads = 2'
  const whole = repaired(text)!
  expect(whole).toBe(`${HEAD}SELECT 1 AS x\n)\n-- of it\nSETTINGS max_threads = 2`)
  expect(clauseSettings(onlySelect('x.sql', whole))).toEqual({ max_threads: '2' })
})

test('settings of one part of a UNION are left to a person, and so is a shared step', () => {
  expect(repaired('SELECT 1 AS x SETTINGS max_threads = 2 UNION ALL SELECT 2 AS x')).toBeUndefined()
  expect(repaired('WITH s AS (SELECT 1 AS x) SELECT x FROM s', [CAST], 's')).toBeUndefined()
})

test('a file without a column that a cast repairs is not written', () => {
  expect(repaired('SELECT 1 AS x', [problem(undefined)])).toBeUndefined()
  expect(repaired('SELECT 1 AS x', [])).toBeUndefined()
})
