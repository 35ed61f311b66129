// Owns the findings about what a server would only refuse in a run: frames of windows.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { backfillHere } from '../../support/cli.ts'
import { startTestServer, type TestServer } from '../../support/server.ts'
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

test('tests run whatever cluster and replicas the DDL files name', async () => {
  const { folder } = await soundScene(server)
  const ddl = join(folder, 'ddl/gas.sql')
  rewrite(ddl, '.int_gas\n', `.int_gas ON CLUSTER '{cluster}'\n`)
  rewrite(ddl, 'ReplacingMergeTree', "ReplicatedReplacingMergeTree('/gas/{shard}', '{replica}')")
  const { code, stdout } = await backfillHere(['test', 'gas', '--sql', folder])
  expect([code, stdout]).toEqual([0, expect.stringContaining('passed')])
})
