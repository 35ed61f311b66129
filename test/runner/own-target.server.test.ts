// Owns the refusal of a transform that reads its own target through another table: what it computes would depend on which ranges ran before.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { post, startTestServer, type TestServer } from '../support/server.ts'
import { soundScene } from '../support/sound-scene.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server?.stop())

test.each([
  ['a view', (own: string) => `VIEW {over} AS SELECT * FROM ${own}`],
  ['an Alias', (own: string) => `TABLE {over} ENGINE = Alias(${own.replace('.', ', ')})`],
  ['a Merge over a view', (own: string) => `VIEW {over}_v AS SELECT * FROM ${own}`],
  [
    'a Buffer',
    (own: string) => `TABLE {over} AS ${own} ENGINE = Buffer(${own.replace('.', ', ')}, 1, 1, 1, 1, 1, 1, 1)`,
  ],
  [
    'a materialized view',
    (own: string) => `MATERIALIZED VIEW {over} TO ${own} AS SELECT toUInt32(1) AS block_number`,
  ],
])('%s over the own target is refused by up and check', async (what, create) => {
  const { folder, run, databases, transactions } = await soundScene(server)
  await transactions('number, 7, now() - 9', 'numbers(1, 9)')
  expect(await run('up', '--tables', 'gas', '--lag', '0', '--to', '3')).toMatchObject({ code: 0 })
  const over = `${databases.source}.over`
  await post(server, `CREATE ${create(`${databases.target}.int_gas`).replace('{over}', over)}`)
  if (what.startsWith('a Merge'))
    await post(server, `CREATE TABLE ${over} AS ${over}_v ENGINE = Merge('${databases.source}', '^over_v$')`)
  const file = join(folder, 'transforms/gas.sql')
  const read = `AND block_number NOT IN (SELECT block_number FROM ${over} WHERE block_number > 1000)`
  writeFileSync(file, readFileSync(file, 'utf8').replace(/(AND \{to_block:UInt64\})/, `$1 ${read}`))
  const said = `reads its own target ${databases.target}.int_gas through 'over'`
  expect(await run('check', 'gas')).toMatchObject({ code: 2, stdout: expect.stringContaining(said) })
  expect(await run('up', '--tables', 'gas', '--lag', '0')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining(said),
  })
})

test('a source that is a view over the own target is refused', async () => {
  const { run, databases, transactions } = await soundScene(server)
  await transactions('number, 7, now() - 9', 'numbers(1, 9)')
  expect(await run('up', '--tables', 'gas', '--lag', '0')).toMatchObject({ code: 0 })
  const source = `${databases.source}.canonical_execution_transaction`
  await post(server, `RENAME TABLE ${source} TO ${databases.source}.stored`)
  await post(
    server,
    `CREATE VIEW ${source} AS SELECT * FROM ${databases.source}.stored FINAL WHERE block_number NOT IN (SELECT block_number + 100 FROM ${databases.target}.int_gas FINAL)`,
  )
  const said = `reads its own target ${databases.target}.int_gas through 'canonical_execution_transaction'`
  expect((await run('check', 'gas')).stdout).toContain(said)
  expect(await run('up', '--tables', 'gas', '--lag', '0')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining(said),
  })
})
