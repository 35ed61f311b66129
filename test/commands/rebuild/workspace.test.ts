// Owns the promises of the names of tables that a rebuild keeps, and of DDL under another name.
import { expect, test } from 'vitest'
import { readCatalogue } from '../../../src/project/sql-folder.ts'
import {
  buildingName,
  isOf,
  oldName,
  readRole,
  readyName,
  renamedDdl,
  ownReadsRenamed,
} from '../../../src/commands/rebuild/workspace.ts'
import { createTable } from '../../../src/sql-syntax/create-table.ts'
import { SQL_FOLDER } from '../../support/workspace.ts'

const BUILD = { target: 'int_a', uuid: '12d1e1d6-af5c-4094-8b40-caf92e80384b', fileHash: 'abcdef0123456789' }

test('a name says what the table is and what it is to replace', () => {
  const replaces = '12d1e1d6'
  expect(readRole('int_a', buildingName(BUILD))).toEqual({ state: 'building', replaces })
  expect(readRole('int_a', readyName(BUILD, 7))).toEqual({ state: 'ready', replaces })
  expect(readRole('int_a', oldName('int_a', BUILD.uuid))).toEqual({ state: 'old', replaces })
  expect(isOf(BUILD.uuid, replaces)).toBe(true)
})

test.each([
  'int_a',
  'int_ab',
  'int_a__rebuild',
  'int_a__old',
  'int_a__old_12d1e1d',
  'int_a_b__old_12d1e1d6',
  'int_a__rebuild_12d1e1d6_abcdef01_',
])('%s is nobody’s business', (name) => expect(readRole('int_a', name)).toBeUndefined())

test('a DDL under another name is the same but for the name, whatever else bears it', async () => {
  for (const { ddl, target } of (await readCatalogue(SQL_FOLDER)).tables) {
    const renamed = renamedDdl(ddl, target, `${target}__x`)
    expect(createTable(renamed).table).toBe(`${target}__x`)
    expect(renamed.text.replace(`${target}__x`, target)).toBe(ddl.text)
  }
  const text =
    "/* int_a */ CREATE TABLE IF NOT EXISTS {target:Identifier}.`int_a` -- int_a\n(int_a UInt8 COMMENT 'int_a') ENGINE = Memory"
  const ddl = { file: 'a.sql', line: 1, text }
  expect(renamedDdl(ddl, 'int_a', 'int_b').text).toBe(text.replace('`int_a`', 'int_b'))
  expect(() => renamedDdl(ddl, 'int_c', 'int_b')).toThrow("a.sql:1: the DDL does not create 'int_c'")
})

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
