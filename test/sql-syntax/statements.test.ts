import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { onlyStatement, splitStatements } from '../../src/sql-syntax/statements.ts'

test('a statement keeps the comments that lead it and loses those behind its last token', () => {
  const [first, second] = splitStatements('a.sql', '-- one\nSELECT 1 -- two\n; -- three\nSELECT 2 -- four')
  expect(first).toEqual({ file: 'a.sql', line: 1, text: '-- one\nSELECT 1' })
  expect(second).toEqual({ file: 'a.sql', line: 3, text: '-- three\nSELECT 2' })
})

test('header lines belong to no statement, and the line is that of the first character kept', () => {
  const text = '--! target: a\n-- between\n--! rows: per-block\n\n  -- why\n  SELECT 1;\n'
  expect(splitStatements('a.sql', text)).toEqual([{ file: 'a.sql', line: 5, text: '-- why\n  SELECT 1' }])
})

test.for(['', ';', ' ;; ', '-- only a comment', '/* ; */', '--! target: a\n'])(
  '%j holds no statement',
  (text) => {
    expect(splitStatements('a.sql', text)).toEqual([])
  },
)

test('however statements are joined, they come apart as they were, with their lines', () => {
  const statement = fc.constantFrom(
    'SELECT 1',
    "SELECT ';'",
    'SELECT `;`',
    'SELECT $$;$$',
    '/* ; */ SELECT 2',
    '-- ;\nX',
  )
  const between = fc.constantFrom(';', ' ;\n', '\n;\r\n', ';;\n\n', '\n-- ;\n;')
  fc.assert(
    fc.property(fc.array(fc.tuple(statement, between)), (parts) => {
      const text = parts.flat().join('')
      const found = splitStatements('a.sql', text)
      expect(found.map((sql) => sql.text)).toEqual(parts.map(([sql]) => sql))
      for (const sql of found)
        expect(
          text
            .split('\n')
            .slice(sql.line - 1)
            .join('\n'),
        ).toContain(sql.text)
    }),
  )
})

test('a string that is never closed is an error with its line, not a statement', () => {
  expect(() => splitStatements('a.sql', "SELECT 1;\nSELECT 'x")).toThrow('a.sql:2: the string')
})

test('what looks like a header line behind the beginning of a statement stays in it', () => {
  const text = 'SELECT\n--! chunk: 5\n1'
  expect(splitStatements('a.sql', text)).toEqual([{ file: 'a.sql', line: 1, text }])
})

const only = (sql: string) => onlyStatement('a.sql', sql, { missing: 'none', hint: 'write one' })

test.each(['a FROM t) UNION ALL SELECT 1 FROM (SELECT 2', '(1', '[1)', "1) /* ( */ + '('"])(
  'SELECT %s: a bracket without a partner would end what is written around the statement, and is refused',
  (text) => {
    expect(() => only(`SELECT\n${text}`)).toThrow(/^a\.sql:2: the bracket \S has no partner$/)
    expect(only("SELECT (')', [`(`], {a:UInt8}) -- )").text).toContain('SELECT')
  },
)
