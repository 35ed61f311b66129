// Owns the promise that states of aggregate functions are compared by the values in them, not by the order in which these came.
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { backfillHere, environmentFor } from '../../support/cli.ts'
import { temporaryDirectory } from '../../support/processes.ts'
import { post, rowsOf, startTestServer, type TestServer, uniqueDatabase } from '../../support/server.ts'

const SOURCE = `CREATE TABLE IF NOT EXISTS {source:Identifier}.events (block_number UInt64, who String) ENGINE = MergeTree ORDER BY block_number`
const FILES: Readonly<Record<string, string>> = {
  'sql/networks.json': '{ "mainnet": { "forks": {} } }',
  'sql/source/events.sql': `--! network: none\n--! written: none\n${SOURCE}\n`,
  'sql/ddl/t.sql': `CREATE TABLE IF NOT EXISTS {target:Identifier}.t (block_number UInt64, u AggregateFunction(groupArray, String), n AggregateFunction(uniq, String), s AggregateFunction(sum, UInt64)) ENGINE = ReplacingMergeTree ORDER BY block_number\n`,
  'sql/transforms/t.sql': `--! description: Who\n--! target: t\n--! sources: events\n--! rows: per-block\n
SELECT block_number, groupArrayState(who) AS u, uniqState(who) AS n, sumState(toUInt64(258)) AS s FROM {source:Identifier}.events
WHERE block_number BETWEEN {from_block:UInt64} AND {to_block:UInt64} GROUP BY block_number\n`,
}

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server?.stop())

test('states of the same values are the same to verify and digests in whatever order they came, and others are different', async () => {
  const cwd = temporaryDirectory()
  for (const [name, text] of Object.entries(FILES)) {
    mkdirSync(join(cwd, dirname(name)), { recursive: true })
    writeFileSync(join(cwd, name), text)
  }
  const databases = {
    source: uniqueDatabase('source'),
    target: uniqueDatabase('target'),
    ledger: uniqueDatabase('ledger'),
  }
  const { source, target } = databases
  const env = { ...environmentFor(server, databases), BACKFILL_LAG: '0' }
  const run = async (...words: string[]) =>
    (await backfillHere([...words, '--sql', 'sql'], { cwd, env })).code
  await post(server, 'CREATE DATABASE {source:Identifier}', databases)
  await post(server, SOURCE, databases)
  const three = 'SELECT 1 + number % 2, toString(number) FROM numbers(9)'
  await post(server, `INSERT INTO ${source}.events ${three}`)
  const stored = async () =>
    await rowsOf(server, `SELECT hex(u) AS u FROM ${target}.t FINAL ORDER BY block_number`)
  const write = async (where: string, value = 258) =>
    await post(
      server,
      `INSERT INTO ${target}.t SELECT block_number, groupArrayState(who), uniqState(who), sumState(toUInt64(${value})) FROM (SELECT * FROM ${source}.events WHERE ${where} ORDER BY who DESC) GROUP BY block_number`,
    )
  expect(await run('up')).toBe(0)
  const before = await stored()
  await write('true')
  expect(await stored()).not.toEqual(before)
  expect([await run('verify', 't'), await run('verify', 't', '--stored')]).toEqual([0, 0])
  // The bytes of 258 in another order: 4 and 5 values make 1,032, 1,290 and 2,052, 2,565.
  await write('true', 513)
  expect([await run('verify', 't'), await run('verify', 't', '--stored')]).toEqual([7, 7])
  await write('true')
  await write("who != '3'")
  expect([await run('verify', 't'), await run('verify', 't', '--stored')]).toEqual([7, 7])
})
