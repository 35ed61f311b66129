// Owns the promises of `backfill try`: what an edit changes, two tables further on as well; and that nothing else is written.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import type { Row } from '../../../src/commands/try/compare.ts'
import { readCatalogue } from '../../../src/project/sql-folder.ts'
import { backfillHere, environmentFor } from '../../support/cli.ts'
import { editedFolder } from '../../support/edited-folder.ts'
import { post, rowsOf, startTestServer, type TestServer, uniqueDatabase } from '../../support/server.ts'
import { addBlocks, createSourceTables } from '../../support/small-chain.ts'
import { SQL_FOLDER } from '../../support/workspace.ts'

const BLOCKS = 60
const FILE = 'transforms/address_diffs.sql'
const names = {
  source: uniqueDatabase('source'),
  target: uniqueDatabase('target'),
  ledger: uniqueDatabase('ledger'),
}
let server: TestServer
let env: Record<string, string>
beforeAll(async () => {
  server = await startTestServer()
  env = { ...environmentFor(server, names), BACKFILL_LAG: '0' }
  await createSourceTables(server, await readCatalogue(SQL_FOLDER), names.source)
  await addBlocks(server, names.source, { from: 1, to: BLOCKS })
  const { code, stderr } = await run('up --tables +accounts_alive')
  if (code !== 0) throw new Error(stderr)
})
afterAll(() => server?.stop())

const run = (words: string, folder?: string) =>
  backfillHere([...words.split(' '), ...(folder === undefined ? [] : ['--sql', folder])], { env })

type Tried = {
  readonly table: string
  readonly edited: boolean
  readonly added: readonly string[]
  readonly dropped: readonly string[]
  readonly columns: Readonly<Record<string, number>>
  readonly examples: readonly { readonly before: Row | null; readonly after: Row | null }[]
} & Readonly<Record<'same' | 'changed' | 'new' | 'gone', number>>

async function tried(words: string, folder?: string) {
  const { code, stdout, stderr } = await run(`try ${words} --json`, folder)
  expect(code, stderr).toBe(0)
  const { tables, left } = JSON.parse(stdout) as { tables: Tried[]; left: { table: string; why: string }[] }
  return {
    left,
    of: (key: string) => tables.find(({ table }) => table === key)!,
    keys: tables.map(({ table }) => table),
  }
}

/** Rows and events of everything that must stay as it is, and how many databases there are. */
async function everything() {
  const count = (table: string) => rowsOf(server, `SELECT count(), sum(cityHash64(*)) FROM ${table}`)
  return await Promise.all([
    count(`${names.target}.int_address_diffs`),
    count(`${names.target}.int_accounts_alive`),
    count(`${names.ledger}.ledger`),
    rowsOf(server, "SELECT name FROM system.databases WHERE startsWith(name, 'backfill_try_')"),
  ])
}

async function rowsIn(table: string, where = '1'): Promise<number> {
  const query = `SELECT toUInt32(count()) AS n FROM ${names.target}.${table} FINAL WHERE ${where}`
  return (await rowsOf<{ n: number }>(server, query))[0]!.n
}

test('a column that changes is counted by rows and by name; what reads another column stays the same', async () => {
  const before = await everything()
  const folder = editedFolder(FILE, (text) =>
    text.replace('toUInt32(arrayUniq(groupArray(tx)))', 'toUInt32(arrayUniq(groupArray(tx)) + 1)'),
  )
  const { of, keys, left } = await tried('--changed', folder)
  const rows = await rowsIn('int_address_diffs')
  expect({ keys, left }).toEqual({ keys: ['address_diffs', 'accounts_alive'], left: [] })
  expect(of('address_diffs')).toMatchObject({
    edited: true,
    same: 0,
    changed: rows,
    new: 0,
    gone: 0,
    columns: { tx_count: rows },
  })
  const [example] = of('address_diffs').examples
  expect(example!.before!.map((value, at) => value === example!.after![at])).toEqual([
    true,
    true,
    false,
    true,
  ])
  const alive = await rowsIn('int_accounts_alive')
  expect(of('accounts_alive')).toMatchObject({
    edited: false,
    same: alive,
    changed: 0,
    new: 0,
    gone: 0,
    columns: {},
  })
  expect(await everything()).toEqual(before)
})

test('columns of one side are named, and rows are the same by the others', async () => {
  const folder = editedFolder(FILE, (text) => text.replace('AS tx_count', 'AS txs'))
  const ddl = join(folder, 'ddl/address_diffs.sql')
  writeFileSync(ddl, readFileSync(ddl, 'utf8').replaceAll('tx_count', 'txs'))
  const { of } = await tried('address_diffs --sample 3', folder)
  const { same, ...rest } = of('address_diffs')
  expect(same).toBeGreaterThan(0)
  expect(rest).toMatchObject({ changed: 0, columns: {}, added: ['txs'], dropped: ['tx_count'] })
})

test('NULL is another value than the text NULL', async () => {
  const table = `${names.target}.int_address_diffs`
  await post(server, `ALTER TABLE ${table} ADD COLUMN note Nullable(String) DEFAULT 'NULL'`)
  onTestFinished(async () => {
    await post(server, `ALTER TABLE ${table} DROP COLUMN note`)
  })
  const folder = editedFolder(FILE, (text) => text.replace('AS tx_count', 'AS tx_count, NULL AS note'))
  const ddl = join(folder, 'ddl/address_diffs.sql')
  const added = readFileSync(ddl, 'utf8').replace('    INDEX', '    note Nullable(String),\n    INDEX')
  writeFileSync(ddl, added)
  const rows = await rowsIn('int_address_diffs', 'block_number BETWEEN 3 AND 6')
  const { of } = await tried('address_diffs --from 3 --to 6', folder)
  expect(of('address_diffs')).toMatchObject({ same: 0, changed: rows, columns: { note: rows } })
  expect(of('address_diffs').examples[0]).toMatchObject({
    before: expect.arrayContaining(['NULL']),
    after: expect.arrayContaining([null]),
  })
  const { stdout } = await run('try address_diffs --from 3 --to 6', folder)
  expect(stdout).toMatch(/- .*, 'NULL'\n +\+ .*, NULL\n/)
})

test('rows whose key column has another name now are compared by what else they hold', async () => {
  const folder = editedFolder('transforms/accounts_alive.sql', (text) =>
    text.replace('account AS address,', 'account AS who,'),
  )
  const ddl = join(folder, 'ddl/accounts_alive.sql')
  writeFileSync(
    ddl,
    readFileSync(ddl, 'utf8').replaceAll(/^ {4}address|(?<=ORDER BY )address|(?<=Hash64\()address/gm, 'who'),
  )
  const { of } = await tried(`accounts_alive --from 1 --to ${BLOCKS}`, folder)
  expect(of('accounts_alive')).toMatchObject({
    changed: 0,
    new: 0,
    gone: 0,
    added: ['who'],
    dropped: ['address'],
  })
})

test('rows that go are seen in the table and in the table that reads it, and no row of other blocks counts', async () => {
  const folder = editedFolder(FILE, (text) =>
    text.replace('FROM changed\n', 'FROM (SELECT * FROM changed WHERE block != 5)\n'),
  )
  const { of } = await tried('address_diffs --from 3 --to 6', folder)
  const where = 'block_number BETWEEN 3 AND 6'
  const own = await rowsIn('int_address_diffs', 'block_number = 5')
  expect(own).toBeGreaterThan(0)
  expect(of('address_diffs')).toMatchObject({
    gone: own,
    changed: 0,
    new: 0,
    same: (await rowsIn('int_address_diffs', where)) - own,
  })
  // An account whose latest change was in block 5 is gone, or has an earlier latest change: it differs either way.
  const { gone, changed, new: added } = of('accounts_alive')
  expect(added).toBe(0)
  expect(gone + changed).toBe(await rowsIn('int_accounts_alive', 'block_number = 5'))
})

test('a row per key is compared with one of another block that it would replace', async () => {
  const [oldest] = await rowsOf<{ address: string }>(
    server,
    `SELECT address FROM ${names.target}.int_accounts_alive FINAL WHERE block_number < ${BLOCKS} ORDER BY block_number, address LIMIT 1`,
  )
  const folder = editedFolder('transforms/accounts_alive.sql', (text) =>
    text
      .replace('    account AS address,', `    '${oldest!.address}' AS address,`)
      .replace('\nGROUP BY account', ''),
  )
  const { of } = await tried(`accounts_alive --from ${BLOCKS} --to ${BLOCKS}`, folder)
  expect(of('accounts_alive')).toMatchObject({ changed: 1, new: 0, columns: { block_number: 1 } })
})

test('columns that a run would refuse are refused, and what reads an edited table before its range is left out', async () => {
  const wide = editedFolder(FILE, (text) => text.replace('toUInt32(block) AS', 'toUInt64(block) AS'))
  const refused = await run('try address_diffs --sample 2', wide)
  expect(refused.code).toBe(2)
  expect(refused.stderr).toMatch(/address_diffs\.sql:\d+: column 'block_number' is UInt64 in the/)
  const reaching = editedFolder('transforms/accounts_alive.sql', (text) =>
    text.replace('BETWEEN {from_block:UInt64} AND', 'BETWEEN {from_block:UInt64} - 1 AND'),
  )
  const { left } = await tried('address_diffs --sample 2', reaching)
  expect(left).toEqual([{ table: 'accounts_alive', why: 'it reads address_diffs before its range' }])
})

test('without an edit there is nothing to try; a named table is the same', async () => {
  expect(await run('try')).toMatchObject({ code: 2, stderr: expect.stringContaining('no table is edited') })
  // In a pull request that touches no table that is no mistake.
  expect(await run('try --changed --format markdown')).toMatchObject({
    code: 0,
    stdout: 'No table is edited: all stored rows are of the SQL in the files.\n',
  })
  const { of } = await tried('address_diffs --sample 3')
  expect(of('address_diffs')).toMatchObject({ changed: 0, new: 0, gone: 0 })
  expect(of('address_diffs').same).toBeGreaterThan(0)
})

test('an edit that fails leaves no database behind, and one that a killed `try` has left is dropped when its time is over', async () => {
  await post(server, 'CREATE DATABASE backfill_try_1_dead')
  const folder = editedFolder(FILE, (text) =>
    text.replace('max(tx) % 1048576', "max(tx) % 1048576 + throwIf(1, 'no')"),
  )
  const { code, stderr } = await run('try', folder)
  expect(code).toBe(1)
  expect(stderr).toMatch(/trying address_diffs.*no/s)
  expect((await everything())[3]).toEqual([])
})

test('a table whose engine writes elsewhere is not tried: nothing is written', async () => {
  const before = await everything()
  const buffer = `ENGINE = Buffer('${names.target}', 'int_address_diffs', 1, 0, 0, 0, 0, 0, 0)`
  const folder = editedFolder('ddl/address_diffs.sql', (text) =>
    text.replace(/^--! shard.*\n/, '').replace(/ENGINE = [\s\S]*?(?=COMMENT '[^']*'\s*$)/, `${buffer}\n`),
  )
  expect(await run('try address_diffs', folder)).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('address_diffs: its engine may write elsewhere'),
  })
  expect(await everything()).toEqual(before)
})

test('Markdown has a row for each table, and values of rows are no markup', async () => {
  const folder = editedFolder(FILE, (text) =>
    text.replace('account AS address', "concat(account, '|```') AS address"),
  )
  const { stdout } = await run('try --from 3 --to 4 --format markdown', folder)
  expect(stdout).toMatch(
    /^\| table \| same \| changed \| new \| gone \| changed columns \| to build all \|$/m,
  )
  expect(stdout).toMatch(/^\| address_diffs \(edited\) \| 0 \| 0 \| \d+ \| \d+ \| {2}\| \d+ rows?, .* \|$/m)
  expect(stdout.match(/```/g)).toHaveLength(2)
  expect(stdout).toMatch(/^Compared blocks 3-4 \(2 blocks\)\. Nothing was changed\.$/m)
})
