// Owns the promises of `sql/source/<table>.ready.sql`: a run goes as far as it says, and status says why not further.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { post, startTestServer, type TestServer } from '../support/server.ts'
import { soundScene } from '../support/sound-scene.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server?.stop())

/** Blocks 1 to 9, and a table of the source database that says how far they are complete. */
async function scene(select: string) {
  const { folder, databases, run, transactions } = await soundScene(server)
  await transactions('number, 7, now()', 'numbers(1, 9)')
  const send = (text: string) => post(server, text, databases)
  await send('CREATE TABLE {source:Identifier}.progress (at Nullable(UInt64), network String) ENGINE = Log')
  const write = (text: string) =>
    writeFileSync(join(folder, 'source/canonical_execution_transaction.ready.sql'), text)
  write(select)
  return {
    run,
    write,
    reach: (block: number | null, network = 'mainnet') =>
      send(`INSERT INTO {source:Identifier}.progress VALUES (${block}, '${network}')`),
    table: async () => {
      const { stdout } = await run('status', 'gas', '--json', '--lag', '0')
      const { tables } = JSON.parse(stdout) as { tables: { done_blocks: number; notes: string[] }[] }
      return [tables[0]!.done_blocks, tables[0]!.notes]
    },
  }
}

const READY = `-- The loader writes down how far it is.
SELECT max(at) AS ready_to, 'the loader is on its way' AS reason
FROM {source:Identifier}.progress WHERE network = {network:String}
`

test('a run goes up to where the source says it is complete, and on when it says more', async () => {
  const { run, reach, table } = await scene(READY)
  await reach(4)
  await reach(9, 'sepolia')
  expect((await run('up', '--lag', '0')).code).toBe(0)
  expect(await table()).toEqual([
    4,
    ['waiting for canonical_execution_transaction, which is ready up to block 4: the loader is on its way'],
  ])
  expect((await run('plan', 'gas', '--lag', '0')).stdout).toContain('the loader is on its way')
  await reach(20)
  expect((await run('up', '--lag', '0')).code).toBe(0)
  expect(await table()).toEqual([9, []])
})

test('`doctor` says how long each SELECT takes, and what is wrong with one', async () => {
  const { run, write } = await scene(READY)
  const well = await run('doctor', '--idle', '1')
  expect(well.stdout).toMatch(/canonical_execution_transaction .*ready\.sql answers in \d+ ms/)
  write(READY.replace('max(at)', 'max(ta)'))
  const ill = await run('doctor', '--idle', '1')
  expect([ill.code, ill.stdout]).toEqual([
    1,
    expect.stringMatching(/ready\.sql:1: ClickHouse rejects this SELECT/),
  ])
})

test('the greatest number means all, and the lag decides', async () => {
  const { run, table } = await scene("SELECT 18446744073709551615 AS ready_to, '' AS reason")
  expect((await run('up', '--lag', '2')).code).toBe(0)
  expect((await table())[0]).toBe(7)
})

test('while nothing is complete nothing runs, and that is no failure', async () => {
  const { run, reach, table } = await scene(READY)
  for (const before of [async () => {}, () => reach(null)]) {
    await before()
    expect((await run('up', '--lag', '0')).code).toBe(0)
    const [done, notes] = await table()
    expect([done, String(notes)]).toEqual([0, expect.stringContaining('ready nowhere: the loader')])
  }
})

test.for([
  ['SELECT max(at) AS ready_to FROM {source:Identifier}.progress', 'reason'],
  ["SELECT at AS ready_to, '' AS reason FROM {source:Identifier}.progress", 'more than one row'],
  [
    "SELECT toDate(max(at)) AS ready_to, '' AS reason FROM {source:Identifier}.progress",
    'is a Nullable(Date)',
  ],
  ["SELECT max(ta) AS ready_to, '' AS reason FROM {source:Identifier}.progress", '`ta`'],
])('a SELECT that does not say it stops `up` with 2, and `check` finds it: %s', async ([select, words]) => {
  const { run, reach } = await scene(select!)
  await reach(1)
  await reach(2)
  const up = await run('up', '--lag', '0')
  expect([up.code, up.stderr]).toEqual([
    2,
    expect.stringMatching(/transaction\.ready\.sql:1: .*\n {2}it has to yield one row/),
  ])
  expect(up.stderr).toContain(words)
  const check = await run('check')
  expect([check.code, check.stdout]).toEqual([2, expect.stringContaining('transaction.ready.sql:1: E060 ')])
})

test('a file that leaves the server, or is of no source, is refused without a server', async () => {
  const { run, write } = await scene("SELECT 1 AS ready_to, '' AS reason FROM url('http://x')")
  expect((await run('check', '--offline')).stdout).toContain('E049')
  write('SELECT {block:UInt64} AS ready_to')
  expect((await run('check', '--offline')).stdout).toContain('E030')
})
