// Owns what `preview` says before it asks a server: about its words, and about blocks that its table never has.
import { expect, test } from 'vitest'
import { backfillHere, expectOneMessage, NOWHERE } from '../../support/cli.ts'

test.for([
  ['preview adress_diffs --from 1', "unknown table 'adress_diffs'", "did you mean 'address_diffs'?"],
  ['preview --from 1', 'needs a table', 'backfill list'],
  ['preview address_diffs', 'needs --from <block>', 'add --from'],
  ['preview address_diffs --from 9 --to 1', '--from 9 is after --to 1', 'swap them'],
  [
    'preview address_diffs --from 1970-01-01',
    '--from 1970-01-01 is a time, and address_diffs counts blocks',
    'type a block number',
  ],
  [
    'preview address_diffs --from 1 --print-sql --format CSV',
    '--print-sql and --format exclude each other',
    'keep one',
  ],
  [
    'preview address_diffs --from 1 --print-sql --limit 3',
    '--print-sql and --limit exclude each other',
    'keep one',
  ],
])('`%s` is refused before a server is asked', async ([words = '', message = '', hint = '']) => {
  const refused = await backfillHere(words.split(' '), { env: NOWHERE })
  expect(refused.code).toBe(2)
  expect(expectOneMessage(refused)).toContain(message)
  expect(refused.stderr).toContain(hint)
})

test('blocks outside the table’s own have no rows by definition, and no server is asked', async () => {
  const words = 'preview post_6780_accounts_destructs --from 5 --to 9'.split(' ')
  expect(await backfillHere(words, { env: NOWHERE })).toEqual({
    code: 0,
    stdout: '',
    stderr:
      'post_6780_accounts_destructs has no rows in 5-9 by definition: its blocks on mainnet are 19426587...\n',
  })
})
