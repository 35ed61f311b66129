// Owns the promise that a refusal of the server becomes the GRANT that fixes it.
import { expect, test } from 'vitest'
import { missingGrant } from '../../src/clickhouse/error-codes.ts'

const said = (grant: string) =>
  missingGrant(
    `ann: Not enough privileges. To execute this query, it's necessary to have the grant ${grant}`,
    { username: 'ann' },
  )

test.each([
  ['SELECT ON source.blocks.', 'GRANT SELECT ON source.blocks TO ann'],
  ['SELECT(a, b) ON source.blocks. (code 497)', 'GRANT SELECT ON source.blocks TO ann'],
  ['INSERT(a) ON ledger.ledger.', 'GRANT INSERT ON ledger.ledger TO ann'],
  ['CREATE TABLE ON locks.mainnet__a__01.', 'GRANT CREATE TABLE ON locks.* TO ann'],
  ['ALTER DELETE ON target.int_a.', 'GRANT ALTER DELETE ON target.* TO ann'],
  ['CREATE DATABASE ON target.*.', 'GRANT CREATE DATABASE ON target.* TO ann'],
  ['TABLE ENGINE ON `Null`.', 'GRANT TABLE ENGINE ON `Null` TO ann'],
  ['SELECT for at least one column on system.processes.', 'GRANT SELECT ON system.processes TO ann'],
  ['SELECT, DROP TABLE ON target.a. (Missing permissions: x)', 'GRANT SELECT, DROP TABLE ON target.a TO ann'],
])('%s', (grant, hint) => {
  expect(said(grant)).toBe(hint)
})

test('no grant in the message, no hint; a user with an odd name is quoted; on a cluster all nodes get the right', () => {
  expect(
    missingGrant('the grant SELECT(a) ON a.b, says node c:9000', { username: 'ann', cluster: 'one' }),
  ).toBe("GRANT SELECT ON a.b TO ann ON CLUSTER 'one'")
  expect(missingGrant('out of memory', { username: 'ann' })).toBeUndefined()
  expect(missingGrant('the grant SELECT ON a.b.', { username: "o'hara-1" })).toBe(
    "GRANT SELECT ON a.b TO `o'hara-1`",
  )
})
