import { expect, test } from 'vitest'
import { knownNames, nearest } from '../../src/model/errors.ts'

const keys = ['address_diffs', 'address_reads', 'accounts_alive']

test.for([
  ['adress_diffs', 'address_diffs'],
  ['address_read', 'address_reads'],
  ['acounts_alife', 'accounts_alive'],
  ['address_diffs', 'address_diffs'],
])('%s is meant to be %s', ([typed, meant]) => {
  expect(nearest(typed!, keys)).toBe(meant)
})

test.for(['', 'x', 'blocks', 'block_slots_stat'])('%j is no typing error of any known name', (typed) => {
  expect(nearest(typed, keys)).toBeUndefined()
})

test('the hint names the nearest and all known names', () => {
  expect(knownNames('tables', 'accounts_alife', ['accounts_alive', 'b'])).toBe(
    "did you mean 'accounts_alive'? known tables: accounts_alive, b",
  )
  expect(knownNames('tables', 'x', ['accounts_alive'])).toBe('known tables: accounts_alive')
  expect(knownNames('tables', 'x', [])).toBe('there are no known tables')
})
