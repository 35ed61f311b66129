// Owns the warning of functions that somebody has made on the server: a transform yields other rows once they are changed.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { post, startTestServer, type TestServer } from '../../support/server.ts'
import { soundScene } from '../../support/sound-scene.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server?.stop())

test('a function that somebody has made on the server is a warning where it is called, unless it is a look-up', async () => {
  const { folder, run } = await soundScene(server)
  const file = join(folder, 'transforms/gas.sql')
  const text = readFileSync(file, 'utf8').replace('sum(gas) AS', 'check_twice(sum(gas)) AS')
  writeFileSync(file, text)
  await post(server, 'CREATE FUNCTION check_twice AS x -> x * 2')
  const { code, stdout } = await run('check', 'gas')
  writeFileSync(file, text.replace('--! rows', '--! lookup: check_twice\n--! rows'))
  const named = await run('check', 'gas')
  await post(server, 'DROP FUNCTION check_twice')
  expect([code, stdout]).toEqual([
    0,
    expect.stringMatching(
      /gas\.sql:9: W047 fixed-database: calls 'check_twice', which somebody .* nothing stale; write what it computes/,
    ),
  ])
  expect(named).toMatchObject({ code: 0, stdout: expect.not.stringContaining('W047') })
})
