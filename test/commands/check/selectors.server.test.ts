import { expect, test } from 'vitest'
import { backfillHere } from '../../support/cli.ts'

const checked = async (...words: readonly string[]) => {
  const { stdout } = await backfillHere(['check', ...words, '--offline', '--json'])
  return (JSON.parse(stdout) as { readonly tables: readonly string[] }).tables
}

test('`check` takes the inputs and the dependants of a table, as other commands do', async () => {
  expect(await checked('address_diffs+')).toEqual(['address_diffs', 'accounts_alive'])
  expect(await checked('+accounts_alive', '--exclude', '*_6780_*')).toEqual([
    'address_diffs',
    'accounts_alive',
  ])
})
