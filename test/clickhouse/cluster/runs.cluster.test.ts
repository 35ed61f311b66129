// Owns how runs go on two shards without Keeper: with few rights, over half-written blocks, and what is said of them.
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest'
import { readCatalogue } from '../../../src/project/sql-folder.ts'
import type { Catalogue } from '../../../src/model/model.ts'
import { backfillHere, environmentFor } from '../../support/cli.ts'
import { post, rowsOf, uniqueDatabase } from '../../support/server.ts'
import { CLUSTER, everywhere, shardTargets, type Shards, startShards } from '../../support/shards.ts'
import { addBlocks, createSourceTables } from '../../support/small-chain.ts'
import { openTestWorkspace, SQL_FOLDER, type TestWorkspace } from '../../support/workspace.ts'

const SOURCE = uniqueDatabase('source')
const TABLE = 'address_diffs'
const TARGET = `int_${TABLE}`

/** A user without Keeper needs no more than on one server, and REMOTE to ask the other nodes. */
const LIMITED = {
  username: 'limited',
  password: 'secret',
  target: uniqueDatabase('target'),
  ledger: uniqueDatabase('ledger'),
}
const GRANTS = [
  `SELECT ON ${SOURCE}.*`,
  `CREATE DATABASE, SELECT, INSERT ON ${LIMITED.target}.*`,
  `CREATE DATABASE, CREATE TABLE, SELECT, INSERT ON ${LIMITED.ledger}.*`,
  `CREATE DATABASE, CREATE TABLE, DROP TABLE, ALTER MODIFY COMMENT ON ${LIMITED.ledger}_locks.*`,
  'TABLE ENGINE ON MergeTree, TABLE ENGINE ON ReplacingMergeTree, TABLE ENGINE ON Null',
  'SELECT ON system.processes',
  'SELECT ON system.tables',
  'SELECT ON system.clusters',
  'SELECT ON system.macros',
  'SHOW TABLES ON system.zookeeper',
  'REMOTE ON *.*',
]

let catalogue: Catalogue
let shards: Shards
let target: string
let ledger: string
beforeAll(async () => {
  catalogue = await readCatalogue(SQL_FOLDER)
  shards = await startShards(
    undefined,
    `<limited>
      <password>${LIMITED.password}</password><profile>default</profile><quota>default</quota>
      <grants>${GRANTS.map((grant) => `<query>GRANT ${grant}</query>`).join('')}</grants>
    </limited>`,
  )
  await createSourceTables(shards[0], catalogue, SOURCE)
  await addBlocks(shards[0], SOURCE, { from: 1, to: 20 })
})
afterAll(() => Promise.all(shards?.map((server) => server.stop()) ?? []))
beforeEach(() => {
  target = uniqueDatabase('target')
  ledger = uniqueDatabase('ledger')
})

async function openShards(): Promise<TestWorkspace> {
  await shardTargets(shards, catalogue, target)
  const workspace = await openTestWorkspace({ ...places(), cluster: CLUSTER })
  onTestFinished(() => workspace.close())
  return workspace
}

const places = () => ({ server: shards[0], source: SOURCE, target, ledger, tables: [TABLE] })

const rows = async () =>
  (await rowsOf<{ rows: number }>(shards[0], `SELECT count() AS rows FROM ${target}.${TARGET} FINAL`))[0]!
    .rows

/** What a command about a world's tables says, without what differs by the databases and the time. */
async function ask(words: readonly string[], of: TestWorkspace, cluster: string) {
  const env = environmentFor(shards[0], { source: SOURCE, target: of.target, ledger: of.ledger })
  const flags = cluster === '' ? [] : ['--cluster', cluster]
  const { code, stdout } = await backfillHere([...words, ...flags], { env })
  const hidden = stdout.replaceAll(of.target, 'TARGET').replaceAll(flags.join(' '), '')
  const timeless = hidden.replaceAll(/\d+(\.\d+)? m?s\b/g, 'TIME').replaceAll(/ +`/g, '`')
  // How many bytes a Distributed table takes is not known.
  return {
    code,
    stdout: timeless
      .replace(/ +(-|~[\d.]+ kB) +TIME/, ' TIME')
      .replace(/About \S+ kB will be written; /, '')
      .replace(/\d+(\.\d+)? GB are free/, 'GB are free'),
  }
}

test('a user with the rights of docs/how-to/clusters.md can run it', async () => {
  target = LIMITED.target
  ledger = LIMITED.ledger
  await shardTargets(shards, catalogue, target)
  const env = environmentFor({ ...shards[0], ...LIMITED }, { source: SOURCE, ...LIMITED })
  const words = ['up', '--lag', '0', '--tables', TABLE, '--cluster', CLUSTER]
  const { code, stderr } = await backfillHere(words, { env })
  expect(stderr).not.toMatch(/GRANT|privileges/)
  expect(code).toBe(0)
  expect(await rows()).toBeGreaterThan(0)
})

test('what is asked about the tables is answered as on one server', async () => {
  const workspace = await openShards()
  const one = await openTestWorkspace({
    ...places(),
    target: uniqueDatabase('target'),
    ledger: uniqueDatabase('ledger'),
  })
  onTestFinished(() => one.close())
  for (const each of [workspace, one]) expect((await each.up({ to: 15 })).failed).toEqual([])
  for (const words of [
    ['status', '--lag', '0', '--tables', TABLE],
    ['plan', '--lag', '0', '--tables', TABLE],
    ['verify', TABLE],
    ['preview', TABLE, '--from', '3', '--to', '4'],
    ['accept', TABLE, '--lag', '0', '--from', '16', '--dry-run'],
    ['create-tables', '--tables', TABLE],
  ]) {
    const [here, there] = [await ask(words, workspace, CLUSTER), await ask(words, one, '')]
    expect(here, words.join(' ')).toEqual(there)
  }
  const told = await ask(['info'], workspace, CLUSTER)
  expect(told.stdout).toContain(`cluster ${CLUSTER}, 2 shards on 2 nodes, no Keeper`)
  const checked = await ask(['check', TABLE], workspace, CLUSTER)
  expect(checked.stdout).toContain('no errors')
  const stored = `${target}.${TARGET}_local`
  const kept = `ALTER TABLE ${stored} MODIFY TTL toDateTime(block_number) + INTERVAL 90 YEAR`
  for (const node of shards) await post(node, kept)
  expect((await ask(['check', TABLE], workspace, CLUSTER)).stdout).toContain(
    `ALTER TABLE TARGET.${TARGET}_local REMOVE TTL`,
  )
  const logged = await ask(['log', TABLE], workspace, CLUSTER)
  expect(logged).toMatchObject({ code: 0, stdout: expect.stringContaining('1-15') })
  expect(logged.stdout, 'of a table that is there').not.toContain('*')
})

test('`check` says of local tables that differ what a run says', async () => {
  const workspace = await openShards()
  await post(shards[1], `ALTER TABLE ${target}.${TARGET}_local MODIFY COLUMN tx_count UInt64`)
  const { code, stdout } = await ask(['check', TABLE], workspace, CLUSTER)
  expect(stdout).toMatch(
    new RegExp(
      `E058 cluster-ddl: TARGET.${TARGET} has local tables TARGET.${TARGET}_local that differ: 'tx_count' is UInt32 on replica 1 of shard 1 \\S+, and UInt64 on replica 1 of shard 2`,
    ),
  )
  expect(code).toBe(2)
  await expect(workspace.up()).rejects.toThrow("that differ: 'tx_count' is UInt32 on replica 1 of shard 1")
})

test('half-written blocks that have to be deleted stop the table, and run when the words of the hint have deleted them', async () => {
  const workspace = await openShards()
  expect((await workspace.up()).failed).toEqual([])
  const before = await rows()
  const { locks, ledger: events, target: targets } = workspace.workspace.ports
  const lock = await locks.acquire(TABLE, () => {})
  const { uuid } = (await targets.tables([TARGET])).get(TARGET)!
  await events.append(lock, {
    event: 'started',
    range: { from: 3, to: 4 },
    targetUuid: uuid,
    runId: 'dead',
    queryId: 'dead',
    sqlHash: 'other SQL',
  })
  await lock.release()
  const [{ error } = { error: undefined }] = (await workspace.up()).failed
  expect(error?.message).toContain('half-written blocks 3-4 of address_diffs have to be deleted first')
  const deletion = /On each server: (DELETE .*); then/.exec(error?.hint ?? '')?.[1]
  await everywhere(shards, deletion ?? '')
  expect(await rows()).toBeLessThan(before)
  expect((await workspace.up()).failed).toEqual([])
  expect(await rows()).toBe(before)
})

test('a statement that runs on another node is waited for', async () => {
  const { workspace } = await openShards()
  const queryId = `test-${randomUUID()}`
  let ended = false
  const running = fetch(`${shards[1].url}/?query_id=${queryId}`, {
    method: 'POST',
    body: 'SELECT sleep(2)',
    headers: { 'X-ClickHouse-User': shards[1].username, 'X-ClickHouse-Key': shards[1].password },
  }).then(() => (ended = true))
  await sleep(500)
  await workspace.ports.queries.waitForEnd(queryId)
  expect(ended).toBe(true)
  await running
})
