// Owns the findings about what a server would only refuse in a run: frames of windows.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { backfillHere } from '../../support/cli.ts'
import { post, rowsOf, startTestServer, type TestServer } from '../../support/server.ts'
import { CLUSTER, startShards } from '../../support/shards.ts'
import { soundScene } from '../../support/sound-scene.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server?.stop())

function rewrite(file: string, was: string, is: string) {
  const text = readFileSync(file, 'utf8')
  expect(text).toContain(was)
  writeFileSync(file, text.replace(was, is))
}

test('a frame that ClickHouse does not have is found before a run, with what to write', async () => {
  const { folder, run } = await soundScene(server)
  const frame =
    'sum(gas) OVER (ORDER BY any(toDateTime64(block, 3)) RANGE BETWEEN 5 PRECEDING AND CURRENT ROW)'
  rewrite(join(folder, 'transforms/gas.sql'), 'sum(gas) AS', `${frame} AS`)
  rewrite(join(folder, 'transforms/gas.sql'), 'GROUP BY block', 'GROUP BY block, gas')
  const { code, stdout } = await run('check')
  expect(code).toBe(2)
  expect(stdout).toMatch(
    /E060 sql-rejected: .*RANGE OFFSET frame.*; Such a frame takes .*toUnixTimestamp64Milli/,
  )
  rewrite(join(folder, 'transforms/gas.sql'), 'toDateTime64(block, 3)', 'block')
  expect((await run('check')).stdout).not.toContain('RANGE OFFSET')
})

test('a source whose rows of a key may lie on several shards is warned of, unless its file says that it is safe', async () => {
  const shards = await startShards()
  try {
    const warned = async (key: string) => {
      const { folder, run, databases } = await soundScene(shards[0])
      const [table, local] = ['canonical_execution_transaction', 'stored']
      const there = (name: string) => `${databases.source}.${name}`
      for (const { url, username, password } of shards) {
        const at = { url, username, password }
        await post(at, `CREATE DATABASE IF NOT EXISTS ${databases.source}`)
        const create = (
          await rowsOf<{ statement: string }>(shards[0], `SHOW CREATE TABLE ${there(table)}`)
        )[0]!
        await post(at, create.statement.replace(there(table), there(local)))
      }
      await post(shards[0], `DROP TABLE ${there(table)}`)
      await post(
        shards[0],
        `CREATE TABLE ${there(table)} AS ${there(local)} ENGINE = Distributed(${CLUSTER}, ${databases.source}, ${local}${key})`,
      )
      const { stdout } = await run('check')
      const file = join(folder, `source/${table}.sql`)
      writeFileSync(file, `--! view: safe\n${readFileSync(file, 'utf8')}`)
      expect((await run('check')).stdout).not.toContain('W082')
      return stdout
    }
    expect(await warned('')).toMatch(
      /W082 .* FINAL merges rows on each of 2 shards by itself: it has no sharding key/,
    )
    expect(await warned(', rand()')).toMatch(
      /W082 .* 2 shards by itself: rand\(\) sends a row to another shard/,
    )
    expect(await warned(', cityHash64(block_number, meta_network_name)')).not.toContain('W082')
  } finally {
    await Promise.all(shards.map((one) => one.stop()))
  }
})

test('tests run whatever cluster and replicas the DDL files name', async () => {
  const { folder } = await soundScene(server)
  const ddl = join(folder, 'ddl/gas.sql')
  rewrite(ddl, '.int_gas\n', `.int_gas ON CLUSTER '{cluster}'\n`)
  rewrite(ddl, 'ReplacingMergeTree', "ReplicatedReplacingMergeTree('/gas/{shard}', '{replica}')")
  const { code, stdout } = await backfillHere(['test', 'gas', '--sql', folder])
  expect([code, stdout]).toEqual([0, expect.stringContaining('passed')])
})
