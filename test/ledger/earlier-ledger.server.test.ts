// Owns the promise that a ledger which an earlier version has created is refused with the statement that it needs.
import { expect, test } from 'vitest'
import { chainScene } from '../support/chain-scene.ts'
import { post } from '../support/server.ts'

const { server, databases, run } = await chainScene()

test('a ledger without the column of data parts is refused, and what the hint says to type adds it', async () => {
  expect(await run('up --tables block_slots_stat')).toMatchObject({ code: 0 })
  await post(server(), `ALTER TABLE ${databases().ledger}.ledger DROP COLUMN oldest_parts`)
  const refused = await run('status')
  expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining('lacks the column oldest_parts') })
  const [, statement] = /type (ALTER TABLE .*)/.exec(refused.stderr)!
  await post(server(), statement!)
  expect(await run('status --check --tables block_slots_stat')).toMatchObject({ code: 0 })
})
