// Owns the promises of `doctor` about a cluster: two servers, two shards, no Keeper.
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { readCatalogue } from '../../../src/project/sql-folder.ts'
import { startBalancer } from '../../support/balancer.ts'
import { environmentFor } from '../../support/cli.ts'
import { doctor } from '../../support/doctor.ts'
import { post, uniqueDatabase } from '../../support/server.ts'
import { CLUSTER, shardTargets, type Shards, startShards } from '../../support/shards.ts'
import { addBlocks, createSourceTables } from '../../support/small-chain.ts'
import { openTestWorkspace, SQL_FOLDER } from '../../support/workspace.ts'

const databases = {
  source: uniqueDatabase('source'),
  target: uniqueDatabase('target'),
  ledger: uniqueDatabase('ledger'),
}
const TABLE = 'address_diffs'
const LOCAL = `${databases.target}.int_${TABLE}_local`
let shards: Shards
beforeAll(async () => {
  const catalogue = await readCatalogue(SQL_FOLDER)
  shards = await startShards()
  await createSourceTables(shards[0], catalogue, databases.source)
  await addBlocks(shards[0], databases.source, { from: 1, to: 20 })
  await shardTargets(shards, catalogue, databases.target)
  const workspace = await openTestWorkspace({
    server: shards[0],
    ...databases,
    tables: [TABLE],
    cluster: CLUSTER,
  })
  await workspace.up()
  await workspace.close()
})
afterAll(() => Promise.all(shards?.map((server) => server.stop()) ?? []))

const examined = (change: Readonly<Record<string, string>> = {}) =>
  doctor({ ...environmentFor(shards[0], databases), BACKFILL_CLUSTER: CLUSTER, ...change }, [
    '--tables',
    TABLE,
  ])

test('a cluster that is well has its lines, and its ledger speaks of the tables of all shards', async () => {
  const { code, unwell, of } = await examined()
  // Embedded servers have no Keeper.
  expect(unwell).toEqual([`warn keeper ${CLUSTER}`])
  expect(code).toBe(0)
  expect(of('nodes')[0]?.finding).toBe('2 shards, 2 nodes, all answer')
  expect(of('replicas')[0]?.finding).toBe('no replicated table is read-only or late')
  expect(of('fold')[0]?.finding).toBe('checkpoints and events of 1 table agree')
  expect(of('disk').map(({ subject }) => subject)).toEqual([
    expect.stringMatching(/^disk default on \S+:\d+$/),
    expect.stringMatching(/^disk default on \S+:\d+$/),
  ])
})

test('trouble on another server of the cluster is found, and the line names the server', async () => {
  await post(shards[1], `SYSTEM STOP MERGES ${LOCAL}`)
  await post(shards[1], `DELETE FROM ${LOCAL} WHERE block_number = 3 SETTINGS lightweight_deletes_sync = 0`)
  let found = await examined()
  for (let tries = 0; found.of('merges')[0]?.status !== 'fail' && tries < 12; tries++)
    found = await examined()
  const [{ subject, hint } = { subject: '', hint: '' }] = found.of('merges')
  expect(subject).toMatch(new RegExp(`^${LOCAL} on \\S+:\\d+$`))
  const [statement = '', node] = hint!.split(' -- on ')
  expect(subject.endsWith(` on ${node}`)).toBe(true)
  await post(shards[1], statement)
})

test('a materialized view that reads a local table on another node is named with the node', async () => {
  const view = `${databases.target}.taken`
  await post(shards[1], `CREATE MATERIALIZED VIEW ${view} ENGINE = Memory AS SELECT * FROM ${LOCAL}`)
  const [found, ...others] = (await examined()).of('views')
  await post(shards[1], `DROP VIEW ${view} SYNC`)
  expect(others).toEqual([])
  expect(found).toMatchObject({
    status: 'warn',
    subject: expect.stringMatching(new RegExp(`^${LOCAL} on \\S+:\\d+$`)),
    finding: expect.stringContaining(`the materialized view ${view} reads it`),
  })
})

test('a cluster that the target does not know fails', async () => {
  const { code, unwell, said } = await examined({ BACKFILL_CLUSTER: 'nowhere' })
  expect(code).toBe(1)
  expect(unwell).toContain('fail cluster nowhere')
  expect(said('cluster')).toContain("the target server does not know the cluster 'nowhere'")
})

test('a balancer in front of servers that share no Keeper fails as it would fail a run', async () => {
  const balancer = await startBalancer(shards.map(({ url }) => url))
  onTestFinished(() => balancer.close())
  const { unwell, said } = await examined({ TARGET_CLICKHOUSE_URL: balancer.url })
  expect(unwell).toContain(`fail cluster ${CLUSTER}`)
  expect(said('cluster')).toContain('which share no ledger and no locks')
})

test('a node that does not answer fails by its name, and all else that is asked for comes from the others', async () => {
  await shards[1].stop()
  const { code, unwell, said } = await examined()
  expect(code).toBe(1)
  expect(unwell).toContain(`fail nodes ${CLUSTER}`)
  expect(said('nodes')).toMatch(
    /^2 shards, 2 nodes, of which 1 answer; not replica 1 of shard 2 \(\S+:\d+\); SELECT/,
  )
  expect(unwell.filter((line) => line.startsWith('fail'))).toEqual([`fail nodes ${CLUSTER}`])
  expect(said('disk')).toContain('free')
  expect(said('fold')).toMatch(/^not known: no node of shard 2 of the cluster .* answers/)
})
