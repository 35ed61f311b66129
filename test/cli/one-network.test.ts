// Owns the promise about commands that work on one network: of several they say so, with what to type for each.
import { expect, test } from 'vitest'
import { backfillHere, NOWHERE } from '../support/cli.ts'

const SENTENCE =
  /^backfill: `(\w+)` works on one network, and '([\w,]+)' are several\n {2}type it for each: (.*)\n$/

test.each([
  [
    'redo gas --from 1 --network mainnet,sepolia --to 9',
    [
      'backfill redo gas --from 1 --to 9 --network mainnet',
      'backfill redo gas --from 1 --to 9 --network sepolia',
    ],
  ],
  ['log --network=all', ['backfill log --network <name>']],
  [
    "preview it's --network a,b",
    ["backfill preview 'it'\\''s' --network a", "backfill preview 'it'\\''s' --network b"],
  ],
])('%s', async (words, commands) => {
  const { code, stdout, stderr } = await backfillHere(words.split(' '), { env: NOWHERE })
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  const [, , , hint] = SENTENCE.exec(stderr) ?? []
  expect(hint).toBe(commands.map((command) => `\`${command}\``).join(', '))
})
