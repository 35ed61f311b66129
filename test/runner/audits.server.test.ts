// Owns the promises of audits: a range is not done while one of them finds rows, and nothing else is held up.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startBackfill } from '../support/cli.ts'
import { outcome } from '../support/processes.ts'
import { rowsOf, startTestServer, type TestServer } from '../support/server.ts'
import { soundScene } from '../support/sound-scene.ts'

let server: TestServer
let second: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(async () => {
  await server?.stop()
  await second?.stop()
})

const FEW = `-- No block uses less than 100 gas.
SELECT block_number, gas_used FROM {target:Identifier}.int_gas FINAL
WHERE block_number BETWEEN {from_block:UInt64} AND {to_block:UInt64} AND gas_used < 100 -- least
`

/** Blocks 1 to 9 with 1,000 times their number of gas, block 5 with 5; two tables of blocks, and one that reads the first. */
async function scene(
  audits: Readonly<Record<string, string>> = { 'audits/gas/few.sql': FEW },
  sources = server,
) {
  const { folder, databases, env, run, transactions } = await soundScene(server, {}, sources)
  await transactions('number, if(number = 5, 5, number * 1000), now() - 60', 'numbers(1, 9)')
  const write = (files: Readonly<Record<string, string>>) => {
    for (const [file, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, file)), { recursive: true })
      writeFileSync(join(folder, file), text)
    }
  }
  write(audits)
  return {
    folder,
    env,
    gas: transactions,
    write,
    run,
    up: (...words: readonly string[]) => run('up', '--lag', '0', '--chunk', '3', ...words),
    stored: (table = 'int_gas') =>
      rowsOf<{ b: number; g: number }>(
        server,
        'SELECT block_number AS b, toUInt32(gas_used) AS g FROM {target:Identifier}.{table:Identifier} FINAL ORDER BY ALL',
        { target: databases.target, table },
      ),
    done: async (key: string) => {
      const status = await run('status', key, '--json', '--lag', '0')
      const { tables } = JSON.parse(status.stdout) as { tables: { done_blocks: number; state: string }[] }
      return [tables[0]!.done_blocks, tables[0]!.state]
    },
  }
}

test('a range in which an audit finds rows is not done: the rows and the statement are shown, and what reads the table waits', async () => {
  const { up, run, done, folder } = await scene()
  const { code, stderr } = await up('--jobs', '1')
  expect(code).toBe(1)
  expect(stderr).toContain(
    'few.sql found rows in blocks 4-6 of gas: (block_number 5, gas_used 5)\n  All of them: SELECT block_number, gas_used FROM',
  )
  expect(stderr).toContain(
    'WHERE block_number BETWEEN 4 :: UInt64 AND 6 :: UInt64 AND gas_used < 100; when the source',
  )
  expect(await done('gas')).toEqual([3, 'dirty'])
  expect((await done('last_gas'))[0]).toBe(3)
  // Whoever looks later reads why.
  expect((await run('status', 'gas', '--lag', '0')).stdout.replaceAll(/\s+/g, ' ')).toMatch(
    /gas: dirty: an attempt at blocks 4-6 did not finish; rows may be partly written\. Last error, \d{4}-\d\d-\d\d \d\d:\d\d UTC, of blocks 4-6 \(`backfill log --errors .*?`\): the audit \S*few\.sql found rows in blocks 4-6 of gas: \(block_number 5, gas_used 5\) Next/,
  )
  rmSync(join(folder, 'audits'), { recursive: true })
  expect((await up()).code).toBe(0)
  expect(await done('gas')).toEqual([9, 'up to date'])
  expect(await done('last_gas')).toEqual([9, 'up to date'])
})

test('once the source is right, the next `up` deletes the rows of the range and computes them again', async () => {
  const { up, gas, stored, done } = await scene()
  expect((await up()).code).toBe(1)
  await gas('number, number * 1000, now() - 30', 'numbers(5, 1)')
  expect((await up()).code).toBe(0)
  expect(await done('gas')).toEqual([9, 'up to date'])
  expect(await stored()).toEqual(Array.from({ length: 9 }, (_, at) => ({ b: at + 1, g: (at + 1) * 1000 })))
})

test('`up --no-audits` asks none', async () => {
  const { up, done } = await scene()
  expect((await up('--no-audits')).code).toBe(0)
  expect(await done('gas')).toEqual([9, 'up to date'])
})

test('`redo` and `rebuild` ask them; a rebuild asks them of the new table, and the old one stays', async () => {
  const { up, run, write, folder, stored } = await scene({})
  expect((await up()).code).toBe(0)
  write({ 'audits/gas/few.sql': FEW })
  const redo = await run('redo', 'gas', '--from', '4', '--to', '6', '--cascade', '--yes')
  expect([redo.code, redo.stderr]).toEqual([1, expect.stringContaining('few.sql found rows in blocks 4-6')])
  rmSync(join(folder, 'audits'), { recursive: true })
  expect((await up()).code).toBe(0)
  // The old table has no row of which this is true: it is asked of the new one.
  write({
    'audits/gas/few.sql': FEW,
    'transforms/gas.sql': readFileSync(join(folder, 'transforms/gas.sql'), 'utf8').replace(
      'sum(gas) AS',
      'least(sum(gas), 7) AS',
    ),
  })
  const rebuild = await run('rebuild', 'gas', '--yes')
  expect([rebuild.code, rebuild.stderr]).toEqual([1, expect.stringContaining('(block_number 1, gas_used 7)')])
  expect((await stored())[0]).toEqual({ b: 1, g: 1000 })
})

test('an audit that names the table before a column is asked of the new table as well', async () => {
  const { up, run } = await scene({
    'audits/gas/few.sql': FEW.replace('SELECT block_number', 'SELECT int_gas.block_number').replace(
      'AND gas_used',
      'AND int_gas.gas_used',
    ),
  })
  expect((await up('--no-audits')).code).toBe(0)
  const rebuild = await run('rebuild', 'gas', '--yes', '--lag', '0')
  expect([rebuild.code, rebuild.stderr]).toEqual([1, expect.stringContaining('(block_number 5, gas_used 5)')])
})

const asked = () =>
  rowsOf(
    server,
    "SELECT 1 AS x FROM system.processes WHERE query LIKE '%sleepEachRow%' AND query LIKE {of:String} AND query NOT LIKE '%system.processes%'",
    {
      of: `%LIMIT 4%`,
    },
  )

test('killed while an audit is asked: the range is not done, and the next run has each row once', async () => {
  const slow = `SELECT block_number FROM {target:Identifier}.int_gas WHERE sleepEachRow(0.3) AND block_number > {to_block:UInt64} + 90`
  const { env, folder, stored, write, up } = await scene({ 'audits/gas/slow.sql': slow })
  const child = startBackfill(['up', 'gas', '--lag', '0', '--chunk', '9', '--sql', folder], { env })
  const ended = outcome(child)
  while ((await asked()).length === 0 && child.exitCode === null) await new Promise(setImmediate)
  child.kill('SIGKILL')
  await ended
  write({ 'audits/gas/slow.sql': slow.replace('sleepEachRow(0.3)', '1') })
  expect((await up('gas')).code).toBe(0)
  expect((await stored()).length).toBe(9)
})

test('`check` says what is wrong with an audit, and nothing runs with one that cannot be read', async () => {
  const { run, up, write } = await scene({
    'audits/gas/few.sql': FEW.replace('gas_used <', 'gas_usd <'),
    'audits/gsa/few.sql': FEW,
  })
  const offline = await run('check', '--offline')
  expect([offline.code, offline.stdout]).toEqual([
    2,
    expect.stringContaining("E015 files-of-no-table: there is no table 'gsa'"),
  ])
  expect((await up()).code).toBe(2)
  const other = await scene({})
  expect((await other.up()).code).toBe(0)
  other.write({ 'audits/gas/few.sql': FEW.replace('gas_used <', 'gas_usd <') })
  const found = await other.run('check')
  expect([found.code, found.stdout]).toEqual([
    2,
    expect.stringMatching(
      /audits\/gas\/few\.sql:3: E061 unknown-column: ClickHouse rejects this audit: .*gas_usd/,
    ),
  ])
  for (const text of [
    "SELECT * FROM url('http://x')",
    'DROP TABLE x',
    FEW.replace('from_block:UInt64', 'from_blok:UInt64'),
  ]) {
    write({ 'audits/gas/few.sql': text, 'audits/gsa/few.sql': FEW })
    expect((await run('check', '--offline', 'gas')).stdout).toMatch(/few\.sql:\d: E(049|023|030)/)
  }
})

test('an audit that reads source tables on another server is refused in words', async () => {
  second = await startTestServer()
  const text = FEW.replace(
    'gas_used < 100',
    'block_number IN (SELECT block_number FROM {source:Identifier}.canonical_execution_transaction)',
  )
  const { up } = await scene({ 'audits/gas/few.sql': text }, second)
  const { code, stderr } = await up('gas')
  expect([code, stderr]).toEqual([
    2,
    expect.stringContaining('an audit runs on the target, and the source tables are on another'),
  ])
})

test('an audit that the server does not understand stops `up` before the first range, with file and hint', async () => {
  const { up, write, stored, run } = await scene({})
  expect((await run('create-tables', '--all')).code).toBe(0)
  for (const text of [FEW.replace('gas_used <', 'gas_usd <'), FEW.replace('-- least', 'FORMAT JSON')]) {
    write({ 'audits/gas/few.sql': text })
    const { code, stderr } = await up()
    expect([code, stderr]).toEqual([
      2,
      expect.stringMatching(/few\.sql:\d: ClickHouse rejects this audit: .*\n {2}Fix the file/),
    ])
    expect(await stored()).toEqual([])
  }
  expect((await up('--no-audits')).code).toBe(0)
})

test('what has no key’s name in the folder of audits is nobody’s', async () => {
  const { up } = await scene({ 'audits/README.md': 'What these are.', 'audits/gas/README.md': 'And these.' })
  expect((await up()).code).toBe(0)
})
