// Owns the promise that a finding names the right line: where a message, a table, an output column stands in the SQL.
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { ddlClauses, keyText, readEngine } from '../../../src/sql-syntax/ddl-clauses.ts'
import { tableReads } from '../../../src/sql-syntax/table-refs.ts'
import { outputLine, withStubTables } from '../../../src/commands/check/transform.ts'
import { rejectedLine, rejectedWords } from '../../../src/commands/check/error-line.ts'
import { significantTokens } from '../../../src/sql-syntax/lexer.ts'

const sql = (text: string, line = 1) => ({ file: 'a.sql', text, line })

const TWO = `WITH
    one AS (
        SELECT hash, block
        FROM {source:Identifier}.traces FINAL
    ),
    two AS (
        SELECT hash AS h
        FROM {source:Identifier}.logs
    )
SELECT one.hash, h
FROM one JOIN two ON h = hash`

test('tables are found behind FROM and JOIN; names of WITH, functions and other FROMs are none', () => {
  const text = `${TWO} JOIN ref.t ARRAY JOIN arr WHERE trim(LEADING 'x' FROM h) IS DISTINCT FROM b
    AND h IN (SELECT n FROM numbers(5) UNION ALL SELECT 1 FROM plain)`
  expect(tableReads(sql(text)).map(({ parameter, database, table }) => [parameter, database, table])).toEqual(
    [
      ['source', undefined, 'traces'],
      ['source', undefined, 'logs'],
      [undefined, 'ref', 't'],
      [undefined, undefined, 'plain'],
    ],
  )
})

test('names of WITH may have columns or be MATERIALIZED; WITH FILL FROM reads nothing', () => {
  const text = `WITH t (b, n) AS (SELECT 1, 2), m AS MATERIALIZED (SELECT 1 AS b), k AS NOT MATERIALIZED (SELECT 1 AS b)
    SELECT b FROM t JOIN m USING b JOIN k USING b ORDER BY b WITH FILL FROM lo TO hi`
  expect(tableReads(sql(text))).toEqual([])
})

test.for<[message: string, line: number]>([
  // What is named twice is looked for where the server says.
  ['Unknown expression identifier `hash` in scope SELECT hash AS h FROM source.logs.', 17],
  ['Unknown expression identifier `hash` in scope SELECT hash, block FROM source.traces FINAL.', 13],
  ['Unknown expression identifier `hash` in scope  two.', 17],
  ["Unknown expression identifier 'one.hash' in scope SELECT one.hash, h", 13],
  ['Illegal types of arguments of function plus: In scope SELECT hash AS h FROM source.logs', 17],
  ['Something else', 11],
])('%s is about line %i', ([message, line]) => {
  expect(rejectedLine(sql(TWO, 11), { message, sent: '', linesBefore: 1 })).toBe(line)
})

test('the name of a table may be as long as a file', () => {
  const name = 't'.repeat(100_000)
  const text = `SELECT a\nFROM {source:Identifier}.${name}\nWHERE b`
  const message = `Unknown expression identifier \`b\` in scope SELECT a FROM default.${name} WHERE b. (UNKNOWN_IDENTIFIER)`
  expect(rejectedLine(sql(text), { message, sent: '', linesBefore: 0 })).toBe(3)
})

test('a syntax error is about the line of its position, whatever stands before it', () => {
  fc.assert(
    fc.property(
      fc.array(fc.stringMatching(/^[a-zé ]{0,9}$/), { minLength: 1, maxLength: 6 }),
      fc.nat(5),
      (lines, n) => {
        const wrong = n % lines.length
        const text = lines.map((line, index) => (index === wrong ? `${line} WRONG` : line)).join('\n')
        const sent = `DESCRIBE TABLE (\n${text}\n)`
        const position = new TextEncoder().encode(sent.slice(0, sent.indexOf('WRONG'))).length + 1
        const message = `Syntax error: failed at position ${position}`
        expect(rejectedLine(sql(text, 5), { message, sent, linesBefore: 1 })).toBe(5 + wrong)
        expect(rejectedWords(message, sent)).toBe("syntax error at 'WRONG'")
      },
    ),
  )
})

test('what the server repeats of the statement is left out of the message, its guess is not', () => {
  expect(
    rejectedWords(
      "Unknown identifier `foo` in scope SELECT 'Maybe' FROM t. Maybe you meant: ['food','fool']. ",
    ),
  ).toBe("Unknown identifier `foo`. Maybe you meant 'food','fool'")
  expect(rejectedWords('Illegal types of function plus: In scope SELECT 1 + x')).toBe(
    'Illegal types of function plus',
  )
})

test('output columns are found by alias, by name and behind a dot, in the SELECT that yields the rows', () => {
  const text = `(WITH (SELECT 1 AS inner) AS x
    SELECT DISTINCT
      max(a, b) AS first,
      second,
      t.third,
      \`fo urth\`, 1 + 2
    FROM (SELECT 1 AS nested) AS t)`
  const lines = [undefined, 'first', 'second', 'third', 'fo urth'].map((name) => outputLine(sql(text), name))
  expect(lines).toEqual([2, 3, 4, 5, 6])
  expect(['inner', 'x', 'nested', 'a', '2'].map((name) => outputLine(sql(text), name))).toEqual([
    2, 2, 2, 2, 2,
  ])
  expect(outputLine(sql('\nSELECT * FROM t', 4), 'a')).toBe(5)
})

test('a table that is not there is stood in for on the same line, with its alias and without FINAL', () => {
  const columns = [
    { name: 'hash', type: 'FixedString(66)', defaultKind: '' },
    { name: "o'dd", type: "Enum8('a' = 1)", defaultKind: '' },
  ] as const
  const stubTable = { parameter: 'source', table: 'traces', columns } as const
  const rows = `(SELECT defaultValueOfTypeName('FixedString(66)') AS \`hash\`, defaultValueOfTypeName('Enum8(\\'a\\' = 1)') AS \`o'dd\` WHERE 0)`
  const of = (text: string) => withStubTables(sql(text), [stubTable])
  const table = '{source:Identifier}.traces'
  expect(of(`SELECT 1 FROM ${table} FINAL\nWHERE x`)).toBe(`SELECT 1 FROM ${rows} AS \`traces\` \nWHERE x`)
  expect(of(`SELECT 1 FROM ${table} FINAL AS t`)).toBe(`SELECT 1 FROM ${rows}  AS t`)
  expect(of(`SELECT 1 FROM ${table} AS t FINAL -- FINAL`)).toBe(`SELECT 1 FROM ${rows} AS t  -- FINAL`)
  expect(of(`SELECT 1 FROM ${table} t JOIN ${table}`)).toBe(
    `SELECT 1 FROM ${rows} t JOIN ${rows} AS \`traces\``,
  )
  expect(of('SELECT 1 FROM {target:Identifier}.traces')).toBe('SELECT 1 FROM {target:Identifier}.traces')
  expect(of(`SELECT 1 FROM ${table} PREWHERE 1`)).toBeUndefined()
  expect(of(TWO)?.split('\n')).toHaveLength(TWO.split('\n').length)
})

test('the clauses of a CREATE TABLE are read with their lines, Replicated or not', () => {
  const clauses = ddlClauses(
    sql(`CREATE TABLE {target:Identifier}.t
(
    a UInt32 DEFAULT intDiv(b, 2) COMMENT 'DEFAULT 5' CODEC(ZSTD(1)),
    b UInt32,
    INDEX i a TYPE minmax
)
ENGINE = ReplicatedReplacingMergeTree('/path', '{replica}', b)
PARTITION BY (intDiv(a, 10), b)
ORDER BY tuple(b, a)
SETTINGS index_granularity = 1`),
  )
  const lines = clauses.columns.map(({ name, line, clauses: { size } }) => [name, line, size])
  expect({ ...clauses, columns: lines }).toMatchObject({
    columns: [
      ['a', 3, 4],
      ['b', 4, 1],
    ],
    others: [{ text: 'INDEX i a TYPE minmax', line: 5, names: ['INDEX', 'i', 'a', 'TYPE', 'minmax'] }],
    engine: { name: 'ReplacingMergeTree', text: 'b', line: 7, names: ['b'] },
    sortKey: { text: 'b , a', line: 9, names: ['b', 'a'] },
    partition: { text: 'intDiv ( a , 10 ) , b', line: 8, names: ['a', 'b'] },
  })
  const full = 'SharedReplacingMergeTree(b) PARTITION BY x ORDER BY (a, b) SETTINGS index_granularity = 8192'
  expect(readEngine(significantTokens(sql(full)))).toMatchObject({ name: 'ReplacingMergeTree', text: 'b' })
  expect(keyText(significantTokens(sql('(a) + (b)')))).toBe('( a ) + ( b )')
})
