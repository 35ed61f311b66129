import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { refuse } from '../../src/model/errors.ts'
import { dependencyOrder } from '../../src/project/definition-checks.ts'

const table = (key: string, ...after: string[]) => ({
  key,
  file: `${key}.sql`,
  header: { after },
  lines: new Map<string, number>(),
})
const order = (...tables: ReturnType<typeof table>[]) => dependencyOrder(tables, refuse).map(({ key }) => key)

test('tables come behind what they read, and otherwise stay in their order', () => {
  expect(
    order(table('z'), table('alive', 'diffs', 'pre'), table('diffs'), table('a'), table('pre', 'diffs')),
  ).toEqual(['z', 'diffs', 'pre', 'alive', 'a'])
})

test('whatever reads what, each table is there once and behind what it reads', () => {
  const size = 8
  const edges = fc.array(fc.tuple(fc.nat(size - 1), fc.nat(size - 1)).filter(([a, b]) => a < b))
  const shuffled = fc.shuffledSubarray(
    Array.from({ length: size }, (_, n) => n),
    { minLength: size },
  )
  fc.assert(
    fc.property(edges, shuffled, (pairs, input) => {
      const tables = input.map((n) =>
        table(`t${n}`, ...pairs.filter(([, b]) => b === n).map(([a]) => `t${a}`)),
      )
      const found = order(...tables)
      expect(found.toSorted()).toEqual(tables.map(({ key }) => key).toSorted())
      for (const [a, b] of pairs) expect(found.indexOf(`t${a}`)).toBeLessThan(found.indexOf(`t${b}`))
    }),
  )
})

test('a cycle is named as it goes round', () => {
  expect(() => order(table('x', 'a'), table('a', 'b'), table('b', 'a'))).toThrow(
    'tables wait for each other: a -> b -> a',
  )
  expect(() => order(table('a', 'a'))).toThrow('a.sql: tables wait for each other: a -> a')
})

test('an unknown key is refused with the nearest one', () => {
  expect(() => order(table('a', 'adress_diffs'), table('address_diffs'))).toThrow(
    expect.objectContaining({
      message: expect.stringContaining("a.sql: after: there is no table 'adress_diffs'"),
      hint: expect.stringContaining("did you mean 'address_diffs'?"),
    }),
  )
})
