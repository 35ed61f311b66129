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

test('a table whose stored rows lack the position that an edit names is not tried', async () => {
  const { folder, run, transactions } = await soundScene(server)
  await transactions('number, 7, now() - 9', 'numbers(1, 9)')
  expect((await run('up', '--lag', '0')).code).toBe(0)
  const edit = (file: string, was: string, is: string) => {
    const text = readFileSync(join(folder, file), 'utf8')
    expect(text).toContain(was)
    writeFileSync(join(folder, file), text.replaceAll(was, is))
  }
  edit('ddl/gas.sql', 'block_number', 'height')
  edit('transforms/gas.sql', '--! rows: per-block', '--! rows: per-block\n--! position: height')
  edit('transforms/gas.sql', 'AS block_number', 'AS height')
  edit('transforms/last_gas.sql', 'SELECT block_number', 'SELECT height')
  edit('transforms/last_gas.sql', 'WHERE block_number', 'WHERE height')
  const { code, stderr } = await run('try', 'gas', '--lag', '0', '--from', '3', '--to', '5')
  expect([code, stderr]).toEqual([
    2,
    expect.stringContaining('gas: its stored rows have no toUInt64(height); `backfill preview'),
  ])
})
