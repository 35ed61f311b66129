import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestServer, type TestServer } from '../../support/server.ts'
import { soundScene } from '../../support/sound-scene.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server?.stop())

test('without a name, a table is tried whose DDL alone was edited, as far as it has other columns', async () => {
  const { folder, run, transactions } = await soundScene(server)
  await transactions('number, 7, now() - 9', 'numbers(1, 9)')
  expect((await run('up', '--lag', '0')).code).toBe(0)
  const ddl = join(folder, 'ddl/gas.sql')
  const edit = (was: RegExp, is: string) => writeFileSync(ddl, readFileSync(ddl, 'utf8').replace(was, is))
  edit(/'Block'/, "'Number of the block'")
  const same = await run('try', '--lag', '0')
  expect([same.code, same.stderr]).toEqual([2, expect.stringContaining('no table is edited')])
  edit(/UInt64/, 'UInt128')
  const tried = await run('try', '--lag', '0', '--json')
  expect(JSON.parse(tried.stdout)).toMatchObject({
    tables: [
      { table: 'gas', edited: true, same: 9, changed: 0 },
      { table: 'last_gas', edited: false, changed: 0 },
    ],
  })
})
