// Owns the promise that a row policy is said by what reads: on derived tables and inputs as on sources.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readCatalogue } from '../../src/project/sql-folder.ts'
import { backfillHere, environmentFor } from '../support/cli.ts'
import { folderOf } from '../support/check-fixtures.ts'
import { post, uniqueDatabase } from '../support/server.ts'
import { addBlocks, createSourceTables } from '../support/small-chain.ts'
import { launchWithUsers } from '../support/users.ts'
import { SQL_FOLDER } from '../support/workspace.ts'

const TRACES = 'canonical_execution_traces'
const names = {
  source: uniqueDatabase('source'),
  target: uniqueDatabase('target'),
  ledger: uniqueDatabase('ledger'),
}
let server: Awaited<ReturnType<typeof launchWithUsers>>
beforeAll(async () => {
  const sees = { database: names.target, table: 'int_address_diffs', filter: 'block_number = 5' }
  const looks = { database: names.source, table: 'labels', filter: 'block = 5' }
  const grants = ['GRANT ALL ON *.*']
  const hidden = { database: names.source, table: TRACES, filter: 'block_number NOT BETWEEN 5 AND 15' }
  const users = { half: { grants, sees }, looker: { grants, sees: looks }, few: { grants, sees: hidden } }
  server = await launchWithUsers(users)
  await createSourceTables(server, await readCatalogue(SQL_FOLDER), names.source)
  await addBlocks(server, names.source, { from: 1, to: 20 })
})
afterAll(() => server?.stop())

test('a policy on a derived input is said by up, check and doctor', async () => {
  const login = { url: server.url, username: 'half', password: 'secret' }
  const env = { ...environmentFor(login, names), BACKFILL_LAG: '0' }
  const run = async (words: string) => {
    const { stdout, stderr } = await backfillHere(words.split(' '), { env })
    return `${stdout}${stderr}`
  }
  const policy = `the row policy half shows user 'half' of the target server only those rows of ${names.target}.int_address_diffs for which block_number = 5`
  // The dependant alone: the policy is on what it reads.
  expect(await run('up --tables +accounts_alive --to 10')).toContain(policy)
  expect(await run('up --tables accounts_alive --to 10')).toContain(policy)
  expect(await run('check address_diffs')).toContain(`W069 source-row-policy: ${policy}`)
  expect(await run('check accounts_alive')).toMatch(
    /accounts_alive\.sql:\d+: W069 source-row-policy: the row policy half/,
  )
  expect(await run('doctor --idle 1 --tables address_diffs')).toContain(policy)
})

test('a policy on a look-up is said by up, check and doctor', async () => {
  const lookup = {
    file: 'transforms/gas.sql',
    was: '--! rows: per-block',
    is: '--! lookup: labels\n--! rows: per-block',
  }
  const read = {
    file: 'transforms/gas.sql',
    was: 'WHERE gas >=',
    is: 'WHERE block NOT IN (SELECT block FROM {source:Identifier}.labels) AND gas >=',
  }
  const sql = ['--sql', folderOf({ edit: [lookup, read] }), '--tables', 'gas']
  await post(server, 'CREATE TABLE {source:Identifier}.labels (block UInt32) ENGINE = Log', names)
  const databases = { ...names, target: uniqueDatabase('target'), ledger: uniqueDatabase('ledger') }
  const login = { url: server.url, username: 'looker', password: 'secret' }
  const env = { ...environmentFor(login, databases), BACKFILL_LAG: '0' }
  const run = async (...words: readonly string[]) => {
    const { stdout, stderr } = await backfillHere([...words, ...sql], { env })
    return `${stdout}${stderr}`
  }
  const policy = `the row policy looker shows user 'looker' of the source server only those rows of ${names.source}.labels for which block = 5`
  expect(await run('up', '--to', '10')).toContain(policy)
  expect(await run('check')).toContain(`gas.sql:18: W069 source-row-policy: ${policy}`)
  expect(await run('doctor', '--idle', '1')).toContain(policy)
})

test('blocks that a policy hides are said by each run, and done by the next one of a user who sees them', async () => {
  const databases = { ...names, target: uniqueDatabase('target'), ledger: uniqueDatabase('ledger') }
  const run = (username: string, password: string) =>
    backfillHere('up --tables pre_6780_accounts_destructs'.split(' '), {
      env: { ...environmentFor({ url: server.url, username, password }, databases), BACKFILL_LAG: '0' },
    })
  for (let runs = 0; runs < 2; runs++) {
    const { stdout, stderr } = await run('few', 'secret')
    expect(`${stdout}${stderr}`).toContain('incomplete 5-15')
    expect(stderr).toContain(`the row policy few shows user 'few' of the source server`)
  }
  const { stdout } = await run(server.username, server.password)
  expect(stdout).toMatch(/11 blocks/)
})
