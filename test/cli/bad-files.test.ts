// Owns the promises to a person whose SQL files do not fit their server: it is said once, with file and line, before
// anything is written.
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readCatalogue } from '../../src/files/sql-folder.ts'
import { backfill, type Databases, environmentFor, expectOneMessage } from '../support/cli.ts'
import { temporaryDirectory } from '../support/processes.ts'
import { post, rowsOf, startTestServer, type TestServer, uniqueDatabase } from '../support/server.ts'
import { addBlocks, createSourceTables } from '../support/small-chain.ts'
import { SQL_FOLDER } from '../support/world.ts'

let server: TestServer
const source = uniqueDatabase('source')
beforeAll(async () => {
  server = await startTestServer()
  await createSourceTables(server, await readCatalogue(SQL_FOLDER), source)
  await addBlocks(server, source, { from: 1, to: 20 })
})
afterAll(() => server?.stop())

const TRANSFORM = 'transforms/block_slots_stat.sql'
const DDL = 'ddl/block_slots_stat.sql'
const SLOTS_SET = 'toUInt32(countIf(is_set)) AS slots_set'

/** One change of a file: what stood there, and what stands there now. */
type Edit = readonly [file: string, was: string, is: string]

/** What `slots_set` is made of, and the type of its column where that is not UInt32. */
function slotsSet(value: string, column?: string): readonly Edit[] {
  const edit: Edit = [TRANSFORM, SLOTS_SET, `${value} AS slots_set`]
  const type = 'slots_set       UInt32 NOT NULL'
  const nets: readonly Edit[] = [
    [DDL, 'DEFAULT slots_set - slots_cleared COMMENT', 'DEFAULT 0 COMMENT'],
    [DDL, 'DEFAULT (slots_set - slots_cleared) * 64', 'DEFAULT 0'],
  ]
  return column === undefined ? [edit] : [edit, [DDL, type, `slots_set ${column}`], ...nets]
}

test.for<{ what: string; edits: readonly Edit[]; says: string | RegExp; tables?: string }>([
  {
    what: 'an unknown header key',
    edits: [[TRANSFORM, '--! rows:', '--! row:']],
    says: /sql\/transforms\/block_slots_stat\.sql:4: unknown key 'row'$/,
  },
  {
    what: 'a header without a key that is needed',
    edits: [[TRANSFORM, '--! rows: per-block\n', '']],
    says: /sql\/transforms\/block_slots_stat\.sql:1: the header lacks 'rows'$/,
  },
  {
    what: 'a bad value of a header key',
    edits: [[TRANSFORM, '--! rows: per-block', '--! rows: per-blok']],
    says: /sql\/transforms\/block_slots_stat\.sql:4: rows: 'per-blok' is no kind of rows$/,
  },
  {
    what: 'a transform without its SELECT',
    edits: [[TRANSFORM, /WITH\n[^]*/.source, '']],
    says: /sql\/transforms\/block_slots_stat\.sql:?\d*: .*SELECT/,
  },
  {
    what: 'a transform that is an INSERT',
    edits: [[TRANSFORM, 'WITH\n', 'INSERT INTO x WITH\n']],
    says: /sql\/transforms\/block_slots_stat\.sql:6: /,
  },
  {
    what: 'a transform of two statements',
    edits: [[TRANSFORM, 'GROUP BY block', 'GROUP BY block;\n\nSELECT 1']],
    says: /sql\/transforms\/block_slots_stat\.sql:33: a second statement begins here$/,
  },
  {
    what: 'an unknown parameter',
    edits: [[TRANSFORM, "repeat('0', 64)", "repeat('0', {form_block:UInt64})"]],
    says: /sql\/transforms\/block_slots_stat\.sql:7: unknown parameter \{form_block:UInt64\}$/,
  },
  {
    what: 'a dependency cycle',
    edits: [
      [
        'transforms/address_diffs.sql',
        '--! rows:',
        '--! after: accounts_alive\n--! rows:',
      ],
      ['transforms/address_diffs.sql', 'max(tx)', 'max(tx + length({target:Identifier}.x))'],
    ],
    says: /address_diffs.*accounts_alive/,
  },
  {
    what: 'an output column that the target lacks',
    edits: slotsSet('toUInt32(countIf(is_set)) AS slots_st, toUInt32(1)'),
    says: /sql\/transforms\/block_slots_stat\.sql:6: the transform's column 'slots_st' is not in the target: did you mean 'slots_set'\?$/,
  },
  {
    what: 'a column of the target that the transform lacks',
    edits: [[TRANSFORM, `,\n    ${SLOTS_SET}`, '']],
    says: /sql\/transforms\/block_slots_stat\.sql:6: .*'slots_set'/,
  },
  {
    what: 'SQL that ClickHouse does not accept',
    edits: slotsSet('toUInt32(countIfs(is_set))'),
    says: /sql\/transforms\/block_slots_stat\.sql:6: .*countIfs/,
  },
  ...[
    { from: 'UInt64', to: 'UInt32', edits: slotsSet('countIf(is_set)') },
    { from: 'Int32', to: 'UInt32', edits: slotsSet('toInt32(countIf(is_set))') },
    { from: 'Nullable(UInt32)', to: 'UInt32', edits: slotsSet('toNullable(toUInt32(1))') },
    { from: 'String', to: 'FixedString(66)', edits: slotsSet("'0x'", 'FixedString(66)') },
    { from: 'DateTime64(3)', to: 'DateTime', edits: slotsSet('now64(3)', 'DateTime') },
    { from: 'Decimal(9, 4)', to: 'Decimal(9, 2)', edits: slotsSet('toDecimal32(1, 4)', 'Decimal(9, 2)') },
  ].map(({ from, to, edits }) => ({
    what: `${from} into ${to}`,
    edits,
    says: `sql/transforms/block_slots_stat.sql:6: column 'slots_set' is ${from} in the transform and ${to} in the target`,
  })),
])('$what is one message, and nothing is written', async ({ edits, says }) => {
  const folder = copySql()
  for (const [file, was, is] of edits) edit(join(folder, 'sql', file), was, is)
  const before = await everyTable()
  const ended = await backfill(['up', '--lag', '0', '--sql', 'sql'], { cwd: folder, env: environment() })
  expect(expectOneMessage(ended)).toMatch(says)
  expect(ended.code).toBe(2)
  expect(await everyTable()).toEqual(before)
})
