import { expect, test } from 'vitest'
import { ownReadsRenamed } from '../../../src/commands/rebuild/workspace.ts'

const T = '{target:Identifier}'
const renamed = (text: string) => ownReadsRenamed({ file: 'x.sql', line: 1, text }, 't', 'new').text

test.for([
  [`SELECT t.x FROM ${T}.t FINAL WHERE t.y = 1`, `SELECT new.x FROM ${T}.new FINAL WHERE new.y = 1`],
  [`SELECT \`t\`.x FROM ${T}.\`t\``, `SELECT new.x FROM ${T}.new`],
  [`SELECT t.x, 't' FROM ${T}.t -- t.x`, `SELECT new.x, 't' FROM ${T}.new -- t.x`],
  // An alias, a CTE and a column of that name are another thing.
  [`SELECT t.x FROM ${T}.t AS t`, `SELECT t.x FROM ${T}.new AS t`],
  [
    `WITH t AS (SELECT x FROM ${T}.t) SELECT t.x FROM t`,
    `WITH t AS (SELECT x FROM ${T}.new) SELECT t.x FROM t`,
  ],
  [`SELECT a.t FROM ${T}.t AS a`, `SELECT a.t FROM ${T}.new AS a`],
])('%s', ([text, expected]) => {
  expect(renamed(text!)).toBe(expected)
})
