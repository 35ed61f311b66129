// Owns which of the two causes is said where Keeper has the replica of a table that is made: SYSTEM DROP REPLICA for one harms the other.
import { expect, test } from 'vitest'
import { withHolder } from '../../../src/clickhouse/cluster/held-replica.ts'
import type { Server } from '../../../src/clickhouse/server.ts'
import { BackfillError } from '../../../src/model/errors.ts'

const PATH = '/clickhouse/main/c/tables/1/db/t_local'
const refused = (message: string) =>
  new BackfillError(message, { kind: 'failed', code: 253, hint: 'both cases', cause: 'the cause' })
const held = refused(`Replica ${PATH}/replicas/r1 already exists. (code 253)`)

/** What is said if the nodes answer this. */
async function said(answer: () => Promise<readonly object[]>, error = held, living: readonly object[] = []) {
  const rows = async ({ query }: { query: string }) =>
    query.includes('system.replicas') ? living : await answer()
  const server = { client: { rows } } as unknown as Server
  return await withHolder(server, { name: 'c', places: ['one', 'two'] }, error)
}

test('a table that was dropped without SYNC is named, with the time at which it goes, and no SYSTEM DROP REPLICA to type', async () => {
  const found = [{ name: 'db.t_local', isHolder: 1, goes: '2026-01-01 00:08:00' }]
  const error = await said(async () => found)
  expect(error.hint).toContain(
    'db.t_local was dropped without SYNC, and Keeper has its replica until 2026-01-01 00:08:00 UTC: run the command again after that',
  )
  expect(error.hint).not.toContain('type SYSTEM')
  expect(error).toMatchObject({ kind: 'failed', code: 253, cause: 'the cause' })
})

test('where no node drops a table, the SYSTEM DROP REPLICA is to be typed, a minute later', async () => {
  const { hint } = await said(async () => [])
  expect(hint).toMatch(/^No node is dropping such a table. If this is so a minute later, too, a node died/)
  expect(hint).toContain(`type SYSTEM DROP REPLICA 'r1' FROM ZKPATH '${PATH}' on another node`)
})

test('a table that has the path because it was renamed is named with its nodes, and no SYSTEM DROP REPLICA', async () => {
  const { hint } = await said(async () => [], held, [{ name: 'old.t_local', nodes: [1, 2] }])
  expect(hint).toMatch(
    /^old\.t_local has this path on one, two: .* DROP TABLE old\.t_local ON CLUSTER 'c' SYNC/,
  )
  expect(hint).not.toContain('SYSTEM DROP')
})

test('where another table is dropped, which may have had the path before a RENAME, or nobody may ask, the hint names both cases', async () => {
  const other = [{ name: 'db.old', isHolder: 0, goes: '2026-01-01 00:08:00' }]
  expect((await said(async () => other)).hint).toBe('both cases')
  expect((await said(() => Promise.reject(new Error('no right')))).hint).toBe('both cases')
})

test('any other error stays as it is, and nobody is asked', async () => {
  const error = refused('Table db.t already exists. (code 57)')
  expect(await said(() => Promise.reject(new Error('asked')), error)).toBe(error)
})
