// Owns the lines of docs/reference/permissions.md about the target: what each command needs at least, and what is said without it.
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { readCatalogue } from '../../src/project/sql-folder.ts'
import { backfillHere } from '../support/cli.ts'
import { post, rowsOf, startTestServer, type TestServer } from '../support/server.ts'
import { addBlocks, createSourceTables } from '../support/small-chain.ts'
import { launchWithUsers, type User } from '../support/users.ts'
import { SQL_FOLDER } from '../support/workspace.ts'

const TABLE = 'block_slots_stat'
const ON_TABLE = ['--lag', '0', '--tables', TABLE] as const

/** For `up`, where all is still to be created; each of them is needed. */
const UP = [
  'CREATE DATABASE ON target.*',
  'CREATE TABLE ON target.*',
  'INSERT ON target.*',
  'CREATE DATABASE ON ledger.*',
  'CREATE TABLE ON ledger.*',
  'SELECT ON ledger.*',
  'INSERT ON ledger.*',
  'CREATE DATABASE ON ledger_locks.*',
  'CREATE TABLE ON ledger_locks.*',
  'TABLE ENGINE ON MergeTree',
  'TABLE ENGINE ON ReplacingMergeTree',
  'TABLE ENGINE ON `Null`',
]
/** For every run but the first. */
const AGAIN = ['DROP TABLE ON ledger_locks.*', 'ALTER MODIFY COMMENT ON ledger_locks.*']
const REDO = ['SELECT, ALTER DELETE ON target.*', 'SELECT ON system.mutations', 'SELECT ON system.processes']
const REBUILD = ['SELECT, DROP TABLE ON target.*']
const LOOK = ['SELECT ON target.*', 'SELECT ON ledger.*', 'SELECT ON ledger_locks.*']
const LATER = [
  'INSERT ON target.*',
  'SELECT, INSERT ON ledger.*',
  'CREATE TABLE ON ledger_locks.*',
  'TABLE ENGINE ON `Null`',
]

const user = (grants: readonly string[], profile = {}): User => ({
  grants: grants.map((grant) => `GRANT ${grant}`),
  profile,
})
const without = (all: readonly string[], one: string) => all.filter((grant) => grant !== one)

let server: Awaited<ReturnType<typeof launchWithUsers>>
let source: TestServer
beforeAll(async () => {
  ;[server, source] = await Promise.all([
    launchWithUsers({
      up: user([...UP, ...AGAIN]),
      ...Object.fromEntries(UP.map((grant, at) => [`up_but_${at}`, user(without(UP, grant))])),
      up_once: user([...UP, AGAIN[1]!]),
      later: user([...LATER, ...AGAIN]),
      redo: user([...UP, ...AGAIN, ...REDO]),
      // The second setting is looked at only where the first one keeps the user from setting everything.
      waits_not: {
        ...user([...UP, ...AGAIN, ...REDO], { max_execution_time: '50', lightweight_deletes_sync: '0' }),
        constraints: { max_execution_time: '<max>60</max>', lightweight_deletes_sync: '<const/>' },
      },
      rebuild: user([...UP, ...AGAIN, ...REBUILD]),
      unlock: user([
        'SELECT ON ledger.*',
        'CREATE TABLE ON ledger_locks.*',
        'TABLE ENGINE ON `Null`',
        ...AGAIN,
      ]),
      look: user(LOOK),
      look_reads_only: user(LOOK, { readonly: '1' }),
      ...Object.fromEntries(LOOK.map((grant, at) => [`look_but_${at}`, user(without(LOOK, grant))])),
      one_server: user([...UP, ...AGAIN]),
      writes_not: user([...UP, ...AGAIN], { readonly: '2' }),
      fixed: {
        ...user([...UP, ...AGAIN], { async_insert: '1' }),
        constraints: { async_insert: '<const/>' },
      },
      merges: { ...user([...UP, ...AGAIN]), constraints: { optimize_on_insert: '<const/>' } },
    }),
    startTestServer(),
  ])
  const files = await readCatalogue(SQL_FOLDER)
  for (const one of [server, source]) {
    await createSourceTables(one, files, 'source')
    await addBlocks(one, 'source', { from: 1, to: 12 })
  }
})
afterAll(async () => {
  await server?.stop()
  await source?.stop()
})
beforeEach(async () => {
  for (const database of ['target', 'ledger', 'ledger_locks'])
    await post(server, 'DROP DATABASE IF EXISTS {database:Identifier} SYNC', { database })
})

/** Runs as a user of the target, which is `alone` where the sources are on the same server. */
async function run(username: string, words: readonly string[], alone = false) {
  const password = username === server.username ? server.password : 'secret'
  return await backfillHere(words, {
    env: {
      ...(!alone && {
        SOURCE_CLICKHOUSE_URL: source.url,
        SOURCE_CLICKHOUSE_USERNAME: source.username,
        SOURCE_CLICKHOUSE_PASSWORD: source.password,
      }),
      SOURCE_CLICKHOUSE_DATABASE: 'source',
      TARGET_CLICKHOUSE_URL: server.url,
      TARGET_CLICKHOUSE_USERNAME: username,
      TARGET_CLICKHOUSE_PASSWORD: password,
      TARGET_CLICKHOUSE_DATABASE: 'target',
      BACKFILL_LEDGER_DATABASE: 'ledger',
    },
  })
}

const up = (username: string, ...more: readonly string[]) =>
  run(username, ['up', '--quiet', ...ON_TABLE, ...more])

async function expectDone(username: string, words: readonly string[]): Promise<void> {
  const { code, stderr } = await run(username, words)
  expect(code, `${username} ${words.join(' ')}: ${stderr}`).toBe(0)
}

const hintOf = ({ stderr }: { readonly stderr: string }) => stderr.trimEnd().split('\n').at(-1)

test('[target-up] the grants for `up` are enough where nothing is there yet, and for the next run', async () => {
  await expectDone('up', ['up', '--quiet', ...ON_TABLE, '--to', '6'])
  await expectDone('up', ['up', '--quiet', ...ON_TABLE])
  expect(await rowsOf(server, 'SELECT count() AS rows FROM target.int_block_slots_stat')).toEqual([
    { rows: 12 },
  ])
})

test('[target-up-least] without any one of them it fails, and names the GRANT', async () => {
  for (const [at, grant] of UP.entries()) {
    const ended = await up(`up_but_${at}`)
    expect(ended.code, grant).not.toBe(0)
    // Whoever may neither read nor write a table does not see its columns.
    const [, privilege = '', place = ''] = /^(.*) ON ([^.]*)/.exec(grant) ?? []
    expect(hintOf(ended), grant).toMatch(
      new RegExp(`^  GRANT (?:${privilege}|SELECT) ON ${place}[.\\w*]* TO up_but_${at}$`),
    )
    for (const database of ['target', 'ledger', 'ledger_locks'])
      await post(server, 'DROP DATABASE IF EXISTS {database:Identifier} SYNC', { database })
  }
})

test('[target-locks] whoever may not drop the locks of earlier runs is told so by the second run', async () => {
  expect((await up('up_once', '--to', '6')).code).toBe(0)
  expect(hintOf(await up('up_once'))).toBe('  GRANT DROP TABLE ON ledger_locks.* TO up_once')
  // Somebody who uses the library lives on, and must not hold it.
  const left = await rowsOf(
    server,
    "SELECT name FROM system.tables WHERE database = 'ledger_locks' AND comment NOT LIKE '%\"released\":true%'",
  )
  expect(left).toEqual([])
})

test('[target-later] where databases, tables and the ledger are there, nothing is created but locks', async () => {
  await expectDone(server.username, ['up', '--quiet', ...ON_TABLE, '--to', '6'])
  await expectDone('later', ['up', '--quiet', ...ON_TABLE])
})

test('[target-one-server] where the sources are on the target, its user needs to read them', async () => {
  const ended = await run('one_server', ['up', '--quiet', ...ON_TABLE], true)
  expect(ended.code).not.toBe(0)
  expect(hintOf(ended)).toBe('  GRANT SELECT ON source.canonical_execution_storage_diffs TO one_server')
})

test('[target-look] three SELECTs are enough for whatever looks, also for a user who may set nothing', async () => {
  await expectDone(server.username, ['up', '--quiet', ...ON_TABLE])
  for (const username of ['look', 'look_reads_only'])
    for (const words of [
      ['status', ...ON_TABLE, '--check'],
      ['plan', ...ON_TABLE],
      ['verify', '--tables', TABLE],
      ['verify', '--sources', '--tables', TABLE],
      ['diff', TABLE],
      ['log'],
      ['info'],
    ])
      await expectDone(username, words)
})

test('[target-hidden] what a user may not see is not taken to be absent: the GRANT is named', async () => {
  await expectDone(server.username, ['up', '--quiet', ...ON_TABLE])
  for (const [at, grant] of LOOK.entries()) {
    const ended = await run(`look_but_${at}`, ['status', ...ON_TABLE])
    expect(ended.code, grant).toBe(6)
    expect(ended.stderr).toContain(`user 'look_but_${at}' may not see `)
    expect(hintOf(ended)).toBe(`  GRANT ${grant} TO look_but_${at}`)
  }
})

test('[target-redo] redo, and recovery, delete rows and look for deletions', async () => {
  await expectDone('redo', ['up', '--quiet', ...ON_TABLE])
  await expectDone('redo', ['redo', TABLE, '--from', '3', '--to', '5', '--yes', '--lag', '0', '--quiet'])
})

test('where a profile does not wait for a deletion and merges are stopped, redo says that rows are left, and builds nothing', async () => {
  await expectDone('waits_not', ['up', '--quiet', ...ON_TABLE])
  await post(server, 'SYSTEM STOP MERGES target.int_block_slots_stat', {})
  const redo = ['redo', TABLE, '--from', '3', '--to', '5', '--yes', '--lag', '0', '--quiet']
  const ended = await run('waits_not', redo)
  expect(ended.code).toBe(1)
  expect(ended.stderr).toContain(`3 rows are left after deleting blocks of ${TABLE}`)
  expect(hintOf(ended)).toBe(
    '  Are merges of target.int_block_slots_stat stopped? Run backfill up --lag 0 again when they run',
  )
  const events = await rowsOf<{ event: string }>(
    server,
    'SELECT event FROM ledger.ledger ORDER BY epoch, seq',
  )
  expect(events.map(({ event }) => event).at(-1)).toBe('invalidated')
})

test('[target-rebuild] rebuild drops and exchanges tables', async () => {
  await expectDone('rebuild', ['up', '--quiet', ...ON_TABLE])
  await expectDone('rebuild', ['rebuild', TABLE, '--drop-old', '--yes', '--lag', '0', '--quiet'])
})

test('[target-unlock] unlock takes locks', async () => {
  await expectDone(server.username, ['up', '--quiet', ...ON_TABLE])
  await expectDone('unlock', ['unlock', '--tables', TABLE])
})

test('[target-readonly] a user who may not write is told that another one is needed', async () => {
  const ended = await up('writes_not')
  expect(ended.code).toBe(1)
  expect(hintOf(ended)).toMatch(
    /The profile of user 'writes_not' of the target server is for reading \(readonly\)/,
  )
})

test('a user who may not set what every INSERT is sent with is told so before a run', async () => {
  const ended = await up('merges')
  expect(ended.code).toBe(6)
  expect(ended.stderr).toContain("the profile of user 'merges' has optimize_on_insert = '1' (target")
  expect(hintOf(ended)).toMatch(/^ {2}Let the user set it .* SETTINGS optimize_on_insert = '0'/)
})

test('[target-constraint] a profile that writes in another way, and may not be changed, is refused by name', async () => {
  const ended = await up('fixed')
  expect(ended.code).toBe(6)
  expect(ended.stderr).toContain("the profile of user 'fixed' has async_insert = '1' (target")
  expect(hintOf(ended)).toMatch(/^ {2}Let the user set it .* SETTINGS async_insert = '0'/)
})
