import { expect, test } from 'vitest'
import { fileURLToPath } from 'node:url'
import { readCatalogue } from '../../src/project/sql-folder.ts'
import { chooseTables, findNetwork, freshnessOf } from '../../src/model/choose.ts'

const catalogue = await readCatalogue(fileURLToPath(new URL('../../sql', import.meta.url)))

const TAGS: Readonly<Record<string, readonly string[]>> = {
  address_diffs: ['state', 'wide'],
  accounts_alive: ['state', 'narrow'],
}
const tagged = catalogue.tables.map((table) => ({ ...table, tags: TAGS[table.key] ?? [] }))

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

test('a pattern without end, or with many stars, is refused at once like any other that fits no table', () => {
  const started = performance.now()
  for (const pattern of ['a'.repeat(120_000), `${'*a'.repeat(30_000)}*b`, `${'a*'.repeat(60)}b`])
    expect(() => chooseTables({ tables: [{ key: 'a'.repeat(60) }] }, [pattern])).toThrow(
      expect.objectContaining({ kind: 'usage', message: expect.stringContaining('unknown table') }),
    )
  expect(performance.now() - started).toBeLessThan(10_000)
})

test.each([
  ['*', ['ab', 'aba']],
  ['a*a', ['aba']],
  ['ab*a', ['aba']],
  ['ab*ba', []],
  ['**b*', ['ab', 'aba']],
  ['a.', []],
])('a pattern with stars fits the whole name: %s', (pattern, fitting) => {
  const tables = [{ key: 'ab' }, { key: 'aba' }]
  const chosen = () => chooseTables({ tables }, [pattern]).map(({ key }) => key)
  if (fitting.length === 0) expect(chosen).toThrow('unknown table')
  else expect(chosen()).toEqual(fitting)
})

test('a table inherits the shortest promise of those that it reads, and no other', () => {
  const promises = new Map([
    ['accounts_alive', 3600],
    ['address_diffs', 600],
    ['address_reads', 60],
  ])
  const tables = catalogue.tables.map((table) => ({ ...table, fresh: promises.get(table.key) }))
  const of = (key: string) =>
    freshnessOf(
      { ...catalogue, tables },
      tables.find((table) => table.key === key)!,
    )
  expect(['accounts_alive', 'address_diffs', 'block_slots_stat'].map(of)).toEqual([600, 600, undefined])
})

test.each([
  [['block_*'], ['block_slots_stat']],
  [
    ['+accounts_alive'],
    ['address_diffs', 'pre_6780_accounts_destructs', 'post_6780_accounts_destructs', 'accounts_alive'],
  ],
  [['address_diffs+'], ['address_diffs', 'accounts_alive']],
  [['*_accounts_*', '-pre_*'], ['post_6780_accounts_destructs']],
  [['-address_*', '-block_slots_stat', '-*_6780_*'], ['accounts_alive']],
  [
    ['+accounts_alive', '-address_diffs+'],
    ['pre_6780_accounts_destructs', 'post_6780_accounts_destructs'],
  ],
])('the selectors %j choose %j', (selectors, keys) => {
  expect(chooseTables(catalogue, selectors).map(({ key }) => key)).toEqual(keys)
})

test.each([
  [['tag:state'], ['address_diffs', 'accounts_alive']],
  [['tag:st*', '-tag:wide'], ['accounts_alive']],
  [['tag:wide+'], ['address_diffs', 'accounts_alive']],
  [
    ['+tag:narrow'],
    ['address_diffs', 'pre_6780_accounts_destructs', 'post_6780_accounts_destructs', 'accounts_alive'],
  ],
])('the selectors %j choose by tags: %j', (selectors, keys) => {
  expect(chooseTables({ tables: tagged }, selectors).map(({ key }) => key)).toEqual(keys)
})

test('an unknown tag is refused with the nearest, and the key of a table is no tag', () => {
  expect(() => chooseTables({ tables: tagged }, ['tag:wid'])).toThrow(
    expect.objectContaining({
      message: "unknown tag 'wid'",
      hint: expect.stringContaining("did you mean 'wide'?"),
    }),
  )
  expect(() => chooseTables({ tables: tagged }, ['tag:address_diffs'])).toThrow("unknown tag 'address_diffs'")
  expect(() => chooseTables({ tables: tagged }, ['wide'])).toThrow("unknown table 'wide'")
})

test('a selector that fits no table is refused, and so is a choice of none', () => {
  const message = "unknown table 'adress_*'"
  expect(() => chooseTables(catalogue, ['adress_*'])).toThrow(
    expect.objectContaining({ message, kind: 'usage' }),
  )
  expect(() => chooseTables(catalogue, ['address_diffs', '-address_diffs'])).toThrow(
    '--exclude leaves no table',
  )
  expect(() => chooseTables(catalogue, ['a.dress'])).toThrow("unknown table 'a.dress'")
})
