// Owns the promises about the step that two transforms share: found in the text, cut out exactly, the same or not.
import { describe, expect, test } from 'vitest'
import type { TableDefinition } from '../../src/model/model.ts'
import { sharedStep } from '../../src/sql-syntax/shared-cte.ts'

const STEP =
  'accesses AS (SELECT account, min(tx) AS first /* ) */, max(tx) AS last FROM (SELECT 1) GROUP BY account)'
const TEXT = `WITH one AS (SELECT ')'), ${STEP}, more AS (SELECT 2) SELECT first FROM accesses`

describe('a shared step', () => {
  test('is cut out with all that stands before it; the rest reads the temporary table in its place', () => {
    expect(stepOf(TEXT)).toMatchObject({
      compute: `WITH one AS (SELECT ')'), ${STEP}\nSELECT * FROM accesses`,
      rest: `WITH one AS (SELECT ')'), accesses AS (SELECT * FROM backfill_shared), more AS (SELECT 2) SELECT first FROM accesses`,
    })
  })

  test('is the same for two transforms whatever stands behind it, and however it is laid out', () => {
    const other = `with one as (select ')'),\n -- the same\n ${STEP} SELECT last FROM accesses`
    expect(stepOf(other)!.identity).not.toBe(stepOf(TEXT)!.identity) // keywords in another case are other words
    expect(stepOf(other.replace('with one as (select', 'WITH one AS (SELECT'))!.identity).toBe(
      stepOf(TEXT)!.identity,
    )
  })

  test('is another one where anything differs that decides its rows', () => {
    const { identity } = stepOf(TEXT)!
    const others = [
      stepOf(TEXT.replace('min(tx)', 'min(ty)')),
      stepOf(TEXT.replace("')'", "'('")),
      stepOf(TEXT, { settings: { join_use_nulls: '1' } }),
      stepOf(TEXT, { params: [{ name: 'least', type: 'UInt64', value: '2' }] }),
      stepOf(TEXT, { sources: ['canonical_execution_traces'] }),
    ]
    for (const other of others) expect(other!.identity).not.toBe(identity)
    expect(new Set(others.map((other) => other!.identity)).size).toBe(others.length)
  })

  test('is none where the header names none', () => {
    expect(stepOf(TEXT, { shared: undefined })).toBeUndefined()
  })

  test.each([
    ['no WITH', 'SELECT 1'],
    ['another name', TEXT.replaceAll('accesses', 'others')],
    ['only within another CTE', 'WITH outer AS (WITH accesses AS (SELECT 1) SELECT 1) SELECT 1'],
    ['an expression, not a SELECT in brackets', 'WITH 1 AS accesses SELECT accesses'],
  ])('that the transform does not have is refused with file and line: %s', (_, text) => {
    expect(() => stepOf(text)).toThrow("t.sql:3: 'shared' names 'accesses'")
  })
})

function stepOf(text: string, changes: Partial<TableDefinition> = {}) {
  return sharedStep({
    shared: 'accesses',
    transform: { file: 't.sql', line: 3, text },
    settings: {},
    params: [],
    sources: ['canonical_execution_transaction'],
    ...changes,
  })
}
