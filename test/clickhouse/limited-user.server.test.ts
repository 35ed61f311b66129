// Owns the promises to a runner with few rights: it is told what it lacks, and does without the query log.
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { readCatalogue } from '../../src/project/sql-folder.ts'
import type { RunSummary } from '../../src/runner/events.ts'
import { backfillHere, environmentFor } from '../support/cli.ts'
import { blocksWhere, edited } from '../support/edited.ts'
import { startProxy } from '../support/proxy.ts'
import { intoTarget } from '../support/requests.ts'
import { post, rowsOf } from '../support/server.ts'
import { addBlocks, createSourceTables } from '../support/small-chain.ts'
import { launchWithUsers, type Login } from '../support/users.ts'
import { openTestWorkspace, SQL_FOLDER } from '../support/workspace.ts'

const TABLE = 'block_slots_stat'
const DATABASES = { source: 'source', target: 'target', ledger: 'ledger' }
const ALL = Array.from({ length: 12 }, (_, index) => index + 1)

/** What a runner needs at least. */
const GRANTS = [
  'GRANT TABLE ENGINE ON Null',
  'GRANT TABLE ENGINE ON MergeTree',
  'GRANT TABLE ENGINE ON ReplacingMergeTree',
  'GRANT SELECT ON source.*',
  'GRANT SELECT, INSERT, CREATE, DROP TABLE, ALTER ON target.*',
  'GRANT SELECT, INSERT, CREATE ON ledger.*',
  'GRANT SELECT, CREATE, DROP TABLE, ALTER ON ledger_locks.*',
  'GRANT SELECT ON system.tables',
  'GRANT SELECT ON system.columns',
  'GRANT SELECT ON system.databases',
  'GRANT SELECT ON system.processes',
  'GRANT SELECT ON system.mutations',
]

const LOG = 'GRANT SELECT ON system.query_log'
const KILL = 'GRANT KILL QUERY ON *.*'

/** What `info --grants runner` prints, without the user. */
const PRINTED = readFileSync(new URL('../../sql-templates/grants/runner.sql', import.meta.url), 'utf8')
  .replaceAll(/\{\{(\w+)\}\}/g, (_, name: string) => ({ ...DATABASES, locks: 'ledger_locks' })[name] ?? name)
  .split('\n')
  .flatMap((line) => /^(GRANT .*) TO user;$/.exec(line)?.[1] ?? [])

const USERS = {
  runner_by_the_book: { grants: PRINTED },
  runner: { grants: GRANTS },
  runner_that_reads_the_log: { grants: [...GRANTS, LOG] },
  runner_that_sees: { grants: [...GRANTS, KILL] },
}

/** A server with a chain and the users. */
async function startServer() {
  const server = await launchWithUsers(USERS)
  const files = await readCatalogue(SQL_FOLDER)
  await createSourceTables(server, files, DATABASES.source)
  await addBlocks(server, DATABASES.source, { from: 1, to: 12 })
  const openAs = (login: Partial<Login>, condition = 'true', tables: readonly string[] = [TABLE]) =>
    openTestWorkspace({
      server: { ...server, ...login },
      ...DATABASES,
      tables,
      catalogue: edited(files, TABLE, { sql: blocksWhere(condition) }),
      exclusive: true,
    })
  const query = (statement: string) => post(server, statement, { target: DATABASES.target })
  const blocks = async () =>
    (
      await rowsOf<{ block_number: number }>(
        server,
        'SELECT block_number FROM target.int_block_slots_stat ORDER BY block_number',
      )
    ).map((row) => row.block_number)
  const story = async () =>
    (await rowsOf<{ event: string }>(server, 'SELECT event FROM ledger.ledger ORDER BY epoch, seq')).map(
      ({ event }) => event,
    )
  /** Runs `up` as the user, whose INSERT is executed and whose answer is lost. */
  async function loseAnswer(username: string): Promise<RunSummary> {
    const proxy = await startProxy(server.url)
    const held = proxy.hold(intoTarget(), 'answer')
    const workspace = await openAs({ ...as(username), url: proxy.url })
    try {
      const running = workspace.up()
      await held.cut()
      return await running
    } finally {
      await workspace.close()
      await proxy.close()
    }
  }
  return { server, files, openAs, query, blocks, story, loseAnswer }
}

let ground: Awaited<ReturnType<typeof startServer>>
beforeAll(async () => {
  ground = await startServer()
})
afterAll(() => ground?.server.stop())
// The grants name the databases, so each test has the same ones.
beforeEach(async () => {
  for (const database of ['target', 'ledger', 'ledger_locks'])
    await ground.query(`DROP DATABASE IF EXISTS ${database} SYNC`)
})

const as = (username: string) => ({ username, password: 'secret' })

test('[target-recovery-other] a successor that may not see the processes of another user is told what to grant, then goes on', async () => {
  const { openAs, blocks } = ground
  const first = await openAs({}, 'throwIf(block_number = 8) = 0')
  expect((await first.up()).failed).toHaveLength(1)
  const second = await openAs(as('runner'))
  const { failed } = await second.up()
  expect(failed[0]!.error.message).toBe(
    `${TABLE}: an earlier run as user 'backfill' may still be writing, and you may not look`,
  )
  expect(failed[0]!.error.hint).toMatch(/^GRANT SELECT ON system\.processes, KILL QUERY ON \*\.\* TO /)
  const third = await openAs(as('runner_that_sees'))
  expect((await third.up()).failed).toEqual([])
  expect(await blocks()).toEqual(ALL)
  await Promise.all([first, second, third].map((workspace) => workspace.close()))
})

test('[target-no-query-log] where the query log cannot be read, an INSERT whose answer was lost is done again, its rows deleted first', async () => {
  const { files, query, blocks, story, loseAnswer } = ground
  const { ddl } = files.tables.find(({ key }) => key === TABLE)!
  await query('CREATE DATABASE target')
  await query(ddl.text.replace(/ENGINE = \w+/, 'ENGINE = MergeTree'))
  expect((await loseAnswer('runner')).failed).toEqual([])
  expect(await blocks()).toEqual(ALL)
  expect(await story()).toEqual(['started', 'failed', 'cleaned', 'started', 'done', 'checkpoint'])
})

test('[target-query-log] a runner that may read the query log, though not flush it, books such an INSERT as done', async () => {
  const { blocks, story, loseAnswer } = ground
  expect((await loseAnswer('runner_that_reads_the_log')).failed).toEqual([])
  expect(await story()).toEqual(['started', 'done', 'checkpoint'])
  expect(await blocks()).toEqual(ALL)
})

test('the rights that `info --grants runner` prints are enough for check, up, status, verify, redo and rebuild', async () => {
  const login = { ...ground.server, ...as('runner_by_the_book') }
  const env = { ...environmentFor(login, DATABASES), BACKFILL_LAG: '0' }
  for (const words of [
    `up ${TABLE} address_reads`,
    `check ${TABLE} address_reads`,
    `status --check --tables ${TABLE},address_reads`,
    `verify ${TABLE}`,
    `redo ${TABLE} --from 3 --to 5 --yes`,
    `rebuild ${TABLE} --yes`,
    `status --check --tables ${TABLE}`,
  ]) {
    const { code, stdout, stderr } = await backfillHere(words.split(' '), { env })
    expect(code, `${words}: ${stderr}${stdout}`).toBe(0)
  }
})

test('[target-no-temporary-tables] a runner that may not create temporary tables computes a shared step for each table by itself', async () => {
  const { openAs, query } = ground
  const pair = ['address_storage_slot_first_access', 'address_storage_slot_last_access']
  const workspace = await openAs(as('runner'), 'true', pair)
  expect((await workspace.up()).failed).toEqual([])
  for (const table of pair)
    expect(await query(`SELECT count() FROM {target:Identifier}.int_${table}`)).toBe('12\n')
  expect(await query(`SELECT event FROM ledger.ledger WHERE event = 'failed'`)).toBe('')
  await workspace.close()
})
