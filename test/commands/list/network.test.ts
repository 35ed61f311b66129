// Owns the promise that a network which the folder does not name is refused, though `list` asks no server.
import { expect, test } from 'vitest'
import { backfillHere } from '../../support/cli.ts'

test('`list` refuses a network that networks.json does not name, and asks for none', async () => {
  expect(await backfillHere(['list', '--network', 'minnet'])).toMatchObject({
    code: 2,
    stdout: '',
    stderr: expect.stringContaining("unknown network 'minnet'"),
  })
  expect((await backfillHere(['list', '--network', 'sepolia'])).code).toBe(0)
  expect((await backfillHere(['list'])).code).toBe(0)
})
