// Owns what becomes of done ranges when the header calls a look-up an input: nobody watched it, so they may be old.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestServer, type TestServer } from '../support/server.ts'
import { soundScene } from '../support/sound-scene.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server?.stop())

test('a look-up that becomes an input makes the ranges stale that read it unwatched, and a redo makes them right', async () => {
  const { folder, run, transactions } = await soundScene(server)
  const file = join(folder, 'transforms/gas.sql')
  const twice = readFileSync(file, 'utf8')
    .replace('--! target: int_gas', '--! target: int_twice\n--! lookup: gas')
    .replace('sum(gas) AS', 'sum(gas) + assumeNotNull((SELECT count() FROM {target:Identifier}.int_gas)) AS')
  writeFileSync(join(folder, 'transforms/twice.sql'), twice)
  const ddl = readFileSync(join(folder, 'ddl/gas.sql'), 'utf8').replaceAll('int_gas', 'int_twice')
  writeFileSync(join(folder, 'ddl/twice.sql'), ddl)
  await transactions('number, 7, now() - 9', 'numbers(1, 9)')
  const stale = async (): Promise<unknown> => {
    const { stdout } = await run('status', 'twice', '--lag', '0', '--json')
    const [table] = (JSON.parse(stdout) as { tables: { stale: unknown; stale_versions: unknown }[] }).tables
    return table!.stale_versions
  }
  expect(await run('up', '--lag', '0')).toMatchObject({ code: 0 })
  expect(await stale()).toEqual([])
  writeFileSync(join(folder, 'transforms/twice.sql'), twice.replace('--! lookup: gas', '--! after: gas'))
  expect(await stale()).toMatchObject([{ reasons: ['inputs'], blocks: 9 }])
  expect((await run('redo', 'twice', '--stale', '--yes', '--lag', '0')).code).toBe(0)
  expect(await stale()).toEqual([])
})
