// Owns the promises to a person whose SQL files do not fit their server: it is said once, with file and line, before
// anything is written.
import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readCatalogue } from '../../src/project/sql-folder.ts'
import {
  backfillHere,
  type CliOptions,
  type Databases,
  environmentFor,
  expectOneMessage,
} from '../support/cli.ts'
import { temporaryDirectory } from '../support/processes.ts'
import { post, rowsOf, startTestServer, type TestServer, uniqueDatabase } from '../support/server.ts'
import { addBlocks, createSourceTables } from '../support/small-chain.ts'
import { SQL_FOLDER } from '../support/workspace.ts'

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
type Edit = readonly [file: string, was: string | RegExp, is: string]

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

test.for<{ what: string; edits: readonly Edit[]; says: string | RegExp }>([
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
    says: /sql\/transforms\/block_slots_stat\.sql:4: rows: 'per-blok' is not a kind of rows$/,
  },
  {
    what: 'a transform without its SELECT',
    edits: [[TRANSFORM, /WITH\n[^]*/, '']],
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
      ['transforms/address_diffs.sql', '--! rows:', '--! after: accounts_alive\n--! rows:'],
      [
        'transforms/address_diffs.sql',
        'FROM changed',
        'FROM changed, {target:Identifier}.int_accounts_alive AS alive',
      ],
    ],
    says: /sql\/transforms\/\w+\.sql:\d+: .*address_diffs.*accounts_alive/,
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
  await expectRefusal(
    ['up', '--lag', '0', '--sql', 'sql'],
    { cwd: folderWith(edits), env: environment() },
    says,
  )
})

test('a narrowing that the transform casts by hand is fine', async () => {
  const folder = folderWith(slotsSet('toUInt32(toInt32(countIf(is_set)))'))
  const ended = await backfillHere(['plan', '--lag', '0', '--sql', 'sql'], {
    cwd: folder,
    env: environment(),
  })
  expect(ended).toMatchObject({ code: 0, stderr: '' })
})

test('a missing source table is one message, and nothing is written', async () => {
  const missing = await copyOfSource()
  await post(server, 'DROP TABLE {missing:Identifier}.canonical_execution_storage_diffs', { missing })
  await expectRefusals(missing, /canonical_execution_storage_diffs'?( cannot be read|\. Maybe)/)
})

test('a missing source column is one message, and nothing is written', async () => {
  const missing = await copyOfSource()
  await post(
    server,
    'ALTER TABLE {missing:Identifier}.canonical_execution_traces DROP COLUMN trace_address',
    { missing },
  )
  await expectRefusals(
    missing,
    /sql\/transforms\/(pre|post)_6780_accounts_destructs\.sql:\d+: .*trace_address/,
    ['up', 'plan'],
  )
})

test('a missing source database is one message, and nothing is written', async () => {
  await expectRefusals(uniqueDatabase('nowhere'), /nowhere_\w+ does not exist/)
})

test('empty sources are no error: the only line of an idle run says that no table has blocks, and status why', async () => {
  const empty = uniqueDatabase('empty')
  await createSourceTables(server, await readCatalogue(SQL_FOLDER), empty)
  const env = environment(empty)
  const ended = await backfillHere(['up'], { env })
  expect(ended).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(
      /^\S+Z Nothing to do; 11 tables have no blocks here: `backfill status` says why.*\n$/,
    ),
  })
  expect(await backfillHere(['up'], { env })).toMatchObject({ code: 0, stderr: '' })
  expect((await backfillHere(['status'], { env })).stdout).toContain('The sources are empty.')
})

async function expectRefusal(
  argv: readonly string[],
  options: CliOptions,
  says: string | RegExp,
): Promise<void> {
  const before = await everyTable()
  const ended = await backfillHere(argv, options)
  expect(expectOneMessage(ended)).toMatch(says)
  expect(ended.code).toBe(2)
  expect(await everyTable()).toEqual(before)
}

/** The same from several commands. */
async function expectRefusals(
  from: string,
  says: RegExp,
  commands = ['up', 'plan', 'status'],
): Promise<void> {
  for (const command of commands)
    await expectRefusal([command, '--lag', '0'], { env: environment(from) }, says)
}

/** A folder with a copy of sql/ in which every edit has found what it looks for. */
function folderWith(edits: readonly Edit[]): string {
  const folder = temporaryDirectory()
  cpSync(SQL_FOLDER, join(folder, 'sql'), { recursive: true })
  for (const [file, was, is] of edits) {
    const path = join(folder, 'sql', file)
    const text = readFileSync(path, 'utf8')
    const edited = text.replace(was, () => is)
    expect(edited, `${file} has ${was}`).not.toBe(text)
    writeFileSync(path, edited)
  }
  return folder
}

function environment(from: string = source): Record<string, string> {
  const databases: Databases = {
    source: from,
    target: uniqueDatabase('target'),
    ledger: uniqueDatabase('ledger'),
  }
  return environmentFor(server, databases)
}

async function copyOfSource(): Promise<string> {
  const copy = uniqueDatabase('source')
  await createSourceTables(server, await readCatalogue(SQL_FOLDER), copy)
  await addBlocks(server, copy, { from: 1, to: 3 })
  return copy
}

/** Every database and table of the server. */
function everyTable(): Promise<readonly { name: string }[]> {
  return rowsOf(
    server,
    `SELECT name FROM (
      SELECT concat(database, '.', name) AS name FROM system.tables WHERE database != 'system'
      UNION ALL SELECT name FROM system.databases
    ) ORDER BY name`,
  )
}
