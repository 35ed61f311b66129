// Owns the promise that a view counts as read with FINAL only if each table that it reads is.
import { expect, test } from 'vitest'
import { readsFinal } from '../../src/clickhouse/source-views.ts'

const of = (select: string) =>
  readsFinal({ file: 'v', line: 1, text: `CREATE VIEW db.v (\`block_number\` UInt64) AS ${select}` })

test.each([
  'SELECT * FROM db.t FINAL',
  'SELECT * FROM db.t AS x FINAL WHERE block_number IN (SELECT n FROM db.u FINAL)',
  'SELECT * FROM (SELECT * FROM db.t FINAL) AS s ARRAY JOIN list AS one',
  'WITH part AS (SELECT * FROM db.t FINAL) SELECT * FROM part INNER JOIN db.u AS u FINAL USING (a)',
  'SELECT * FROM db.t FINAL UNION ALL SELECT * FROM db.u FINAL',
])('%s reads with FINAL', (select) => {
  expect(of(select)).toBe(true)
})

test.each([
  'SELECT * FROM db.t',
  'SELECT * FROM db.t UNION ALL SELECT * FROM db.u FINAL',
  'SELECT *, 1 AS final FROM db.t',
  'SELECT * FROM db.t AS final',
  'SELECT * FROM db.t WHERE block_number IN (SELECT block_number FROM db.t FINAL)',
  'SELECT * FROM db.t FINAL INNER JOIN db.u USING (a)',
  'SELECT * FROM db.t FINAL WHERE a IN db.u',
  'SELECT * FROM db.t AS a FINAL, db.u AS b',
  // What stands behind a comma is not looked at.
  'SELECT * FROM db.t AS a FINAL, db.u AS b FINAL',
  'SELECT * FROM (SELECT * FROM db.t FINAL) AS s, db.u',
  "SELECT * FROM merge('db', '^t$')",
])('%s does not', (select) => {
  expect(of(select)).toBe(false)
})
