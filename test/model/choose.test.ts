import { expect, test } from 'vitest'
import { fileURLToPath } from 'node:url'
import { readCatalogue } from '../../src/project/sql-folder.ts'
import { chooseTables, findNetwork } from '../../src/model/choose.ts'

const catalogue = await readCatalogue(fileURLToPath(new URL('../../sql', import.meta.url)))

test('a network is found by its name, another name is refused with the nearest', () => {
  expect(findNetwork(catalogue, 'mainnet').forks['dencun']).toBe(19_426_587)
  expect(() => findNetwork(catalogue, 'minnet')).toThrow(
    expect.objectContaining({
      message: expect.stringContaining("unknown network 'minnet'"),
      kind: 'usage',
      hint: expect.stringContaining("did you mean 'mainnet'?"),
    }),
  )
})

test('chosen tables come in dependency order, each once, however they were named', () => {
  const chosen = chooseTables(catalogue, ['accounts_alive', 'address_diffs', 'accounts_alive'])
  expect(chosen.map(({ key }) => key)).toEqual(['address_diffs', 'accounts_alive'])
})

test('no names choose all tables', () => {
  expect(chooseTables(catalogue, [])).toEqual(catalogue.tables)
})

test('an unknown table is refused with the nearest', () => {
  expect(() => chooseTables(catalogue, ['address_diffs', 'account_alive'])).toThrow(
    expect.objectContaining({
      message: expect.stringContaining("unknown table 'account_alive'"),
      kind: 'usage',
      hint: expect.stringContaining("did you mean 'accounts_alive'?"),
    }),
  )
})
