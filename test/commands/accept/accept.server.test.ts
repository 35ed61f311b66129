// Owns the promises of `accept` and `log`: exactly what was said is accepted, it can be taken back, and all of it is shown.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { accept, planAcceptance } from '../../../src/commands/accept/accept.ts'
import { planRevocation, revoke } from '../../../src/commands/accept/revoke.ts'
import { readCatalogue } from '../../../src/project/sql-folder.ts'
import { backfillHere, environmentFor, expectOneMessage } from '../../support/cli.ts'
import { post, rowsOf, startTestServer, type TestServer, uniqueDatabase } from '../../support/server.ts'
import { addBlocks, createSourceTables } from '../../support/small-chain.ts'
import { differences, openTestWorkspace, SQL_FOLDER } from '../../support/workspace.ts'

const catalogue = await readCatalogue(SQL_FOLDER)
const TABLES = ['address_diffs', 'pre_6780_accounts_destructs', 'accounts_alive']
const HOLE = { from: 61, to: 1160 }
let server: TestServer
/** Read by two scenes; the second changes it at its end. */
let shared: Promise<string>
beforeAll(async () => {
  server = await startTestServer()
  shared = chain()
})
afterAll(() => server?.stop())

/**
 * Blocks 1-60 and 1161-1200, a source gap between them, and in block 31 nothing but nonce diffs: held where transactions count.
 */
async function chain(): Promise<string> {
  const source = uniqueDatabase('source')
  await createSourceTables(server, catalogue, source)
  for (const range of [
    { from: 1, to: 30 },
    { from: 32, to: 60 },
    { from: 1161, to: 1200 },
  ])
    await addBlocks(server, source, range)
  await addRow(source, 'nonce_diffs', 31)
  return source
}

function addRow(source: string, table: string, block: number): Promise<string> {
  return post(
    server,
    `INSERT INTO {source:Identifier}.{table:Identifier} SELECT * REPLACE ({block:UInt64} AS block_number)
       FROM (SELECT * FROM {source:Identifier}.{table:Identifier} WHERE block_number = 30)`,
    { source, table: `canonical_execution_${table}`, block },
  )
}

/** A person with a target and a ledger of their own, and the lag set to 0. */
async function scene(source: string) {
  const own = { source, target: uniqueDatabase('target'), ledger: uniqueDatabase('ledger') }
  const env = { ...environmentFor(server, own), BACKFILL_LAG: '0' }
  const run = (words: string) => backfillHere(words.split(' '), { env })
  const statusOf = async (table: string) => {
    const { stdout } = await run(`status --json --tables ${TABLES.join()}`)
    const { tables } = JSON.parse(stdout) as {
      tables: readonly ({ table: string } & Record<string, unknown>)[]
    }
    return tables.find((one) => one.table === table)
  }
  const events = () =>
    rowsOf<{ events: number }>(server, 'SELECT count() AS events FROM {ledger:Identifier}.ledger', own)
  return { ...own, run, statusOf, events }
}

const UP = `up --tables ${TABLES.join()} --jobs 1`

test('source gaps and incomplete blocks are accepted, shown, run in what reads them, and taken back when rows arrive', async () => {
  const { run, statusOf, events, source, target } = await scene(await chain())
  const early = await run(`accept address_diffs --from 61 --to 1160 --yes`)
  expect(early.code).toBe(2)
  expect(early.stderr).toContain('backfill create-tables --tables address_diffs')
  expect(await run(UP)).toMatchObject({ code: 0 })
  expect(await statusOf('accounts_alive')).toMatchObject({
    watermark: 30,
    source_gaps: [[61, 1160]],
    incomplete: [[31, 31]],
  })

  // Refused, dry, or unanswered: nothing is written.
  const before = await events()
  const nobody = await run('accept --from 61 --to 1160')
  expect(nobody.code).toBe(2)
  expect(nobody.stderr).toContain('cannot ask for confirmation (not a terminal): Accept these blocks of ')
  const dry = await run('accept address_diffs --from 61 --to 1160 --dry-run')
  expect(dry).toMatchObject({
    code: 0,
    stdout: 'source gap 61-1160 (1,100 blocks): address_diffs\nNothing has been written.\n',
  })
  for (const [words, message] of [
    ['address_diffs --from 61 --to 1300', '1201-1300 (above its head 1200), 1161-1200 (done)'],
    ['address_diffs --from 0 --to 31', '0 (below its first block 1), 1-30 (done)'],
    ['accounts_alive --from 61 --to 1160', '61-1160 (as in address_diffs, pre_6780_accounts_destructs'],
    ['--from 2 --to 9', 'no table has a source gap or incomplete blocks in 2-9'],
  ] as const) {
    const refused = await run(`accept ${words} --yes`)
    expect(refused.code).toBe(2)
    expect(expectOneMessage(refused)).toContain(message)
  }
  expect(await events()).toEqual(before)

  const accepted = await run(`accept ${TABLES.slice(0, 2).join(' ')} --from 61 --to 1160 --yes`)
  expect(accepted.code).toBe(0)
  expect(accepted.stdout).toMatch(
    /source gap 61-1160 \(1,100 blocks\): (\w+), (\w+)\n[^]*`backfill accept \1 \2 --revoke --from 61 --to 1160`, then/,
  )
  // Of all tables those that hold the block back, and no other.
  expect((await run('accept --from 31 --yes')).stdout).toMatch(/^incomplete 31 \(1 block\): address_diffs\n/)
  expect((await run('accept --from 31 --yes')).stdout).toMatch(/\nNothing to do\.\n$/)
  expect(await statusOf('address_diffs')).toMatchObject({
    accepted: [
      [31, 31],
      [61, 1160],
    ],
    covered: [[1, 1200]],
    watermark: 1200,
    state: 'up to date',
    stale: [],
  })
  expect((await run(`status --tables ${TABLES.join()}`)).stdout).toContain(
    'address_diffs: accepted: blocks 31, 61-1160 counted as done without rows.',
  )
  expect(await run(UP)).toMatchObject({ code: 0 })
  expect(await statusOf('accounts_alive')).toMatchObject({
    watermark: 1200,
    state: 'up to date',
    accepted: [],
  })

  // Rows arrive after all: what is accepted does not run, until it is taken back.
  await addBlocks(server, source, HOLE)
  await addBlocks(server, source, { from: 31, to: 31 })
  expect(await run(UP)).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^\S+Z Nothing to do; .*\n$/),
  })
  const revoked = await run('accept --revoke --from 0 --to 2000 --yes')
  expect(revoked.stdout).toMatch(/^accepted 31, 61-1160 \(1,101 blocks\): address_diffs/)
  expect(revoked.stdout).toContain(
    'dependent blocks, now missing 31, 61-1160 (1,101 blocks): accounts_alive\n',
  )
  expect(await statusOf('accounts_alive')).toMatchObject({
    state: 'missing',
    missing_blocks: 1101,
    dirty: [],
  })
  expect(await run(UP)).toMatchObject({ code: 0 })
  expect(await statusOf('accounts_alive')).toMatchObject({ state: 'up to date', stale: [], accepted: [] })

  const clean = await openTestWorkspace({ server, source, catalogue, tables: TABLES })
  await clean.up()
  const tables = TABLES.map((key) => `int_${key}`)
  expect(await differences(server, tables, { actual: target, expected: clean.target })).toEqual([])
  await clean.close()
  const again = await run('accept address_diffs --revoke --from 31 --yes')
  expect(again.code).toBe(2)
  expect(expectOneMessage(again)).toContain('nothing is accepted in 31 of address_diffs')

  // All of it stands in the log, newest first.
  const { stdout } = await run('log address_diffs --json')
  const log = JSON.parse(stdout) as { readonly events: readonly { readonly event: string }[] }
  expect(log.events.map(({ event }) => event)).toEqual([
    'done',
    'done',
    'revoked',
    'revoked',
    'accepted',
    'accepted',
    'done',
    'done',
    'done',
  ])
})

test('what was computed from accepted blocks and has rows there is dirty once they are taken back', async () => {
  const { run, statusOf, target } = await scene(await shared)
  await run(UP)
  await run('accept address_diffs --from 31 --yes')
  await run(UP)
  // As if another input had had a row in the block.
  await post(
    server,
    `INSERT INTO {target:Identifier}.int_accounts_alive (address, block_number, is_alive) VALUES ('0xaa', 31, true)`,
    { target },
  )
  const dry = await run('accept address_diffs --revoke --from 31 --dry-run')
  expect(dry.stdout).toContain(
    'dependent blocks, now dirty 31 (1 block): accounts_alive\nNothing has been written.\n',
  )
  expect(await run('accept address_diffs --revoke --from 31 --yes')).toMatchObject({ code: 0 })
  expect(await statusOf('accounts_alive')).toMatchObject({ dirty: [[31, 31]], incomplete: [[31, 31]] })
  expect(await statusOf('address_diffs')).toMatchObject({ dirty: [], incomplete: [[31, 31]], accepted: [] })
})

test('what somebody else has accepted, or revoked, between the question and the answer is not recorded a second time', async () => {
  const { run, source, target, ledger, events } = await scene(await shared)
  await run('create-tables --tables address_diffs')
  const opened = await openTestWorkspace({
    server,
    source,
    target,
    ledger,
    catalogue,
    tables: ['address_diffs'],
  })
  const options = { range: HOLE, lag: 0, named: true }
  const acceptance = await planAcceptance(opened.workspace, options)
  await run('accept address_diffs --from 61 --to 600 --yes')
  const half = await events()
  await expect(accept(opened.workspace, { options, plan: acceptance }, () => {})).rejects.toThrow(
    'the blocks changed since they were shown: nothing was accepted',
  )
  expect(await events()).toEqual(half)

  const revocation = await planRevocation(opened.workspace, options)
  await run('accept address_diffs --from 601 --to 1160 --yes')
  const whole = await events()
  await expect(revoke(opened.workspace, { options, plan: revocation }, () => {})).rejects.toThrow(
    'the blocks changed since they were shown: nothing was revoked',
  )
  expect(await events()).toEqual(whole)
  await opened.close()
})

test('blocks that have got rows between the question and the answer are not accepted, nor those of a table under work', async () => {
  const { run, source, target, ledger, events } = await scene(await shared)
  await run(UP)
  const opened = await openTestWorkspace({
    server,
    source,
    target,
    ledger,
    catalogue,
    tables: ['address_diffs'],
  })
  const options = { range: HOLE, lag: 0, named: true }
  // Somebody works on the table: after some seconds of looking, it is seen to live.
  const lock = await opened.workspace.ports.locks.acquire('pre_6780_accounts_destructs', () => {})
  const incomplete = run('accept pre_6780_accounts_destructs --from 61 --to 1160 --yes')
  const plan = await planAcceptance(opened.workspace, options)
  await addRow(source, 'balance_diffs', 500)
  const before = await events()
  await expect(accept(opened.workspace, { options, plan }, () => {})).rejects.toThrow(/61-1160 \(ready: /)
  expect(await events()).toEqual(before)
  const locked = await incomplete
  expect(locked.code).toBe(5)
  expect(locked.stderr).toContain('pre_6780_accounts_destructs is locked by process')
  expect(await events()).toEqual(before)
  await lock.release()
  await opened.close()
})
