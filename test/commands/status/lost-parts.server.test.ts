// Owns the promises about tables with a row per key that lost rows: no digest counts them, but the data parts tell.
import { beforeEach, expect, test } from 'vitest'
import { chainScene } from '../../support/chain-scene.ts'
import { checkedBy } from '../../support/status-check.ts'
import { post, rowsOf } from '../../support/server.ts'
import { addBlocks } from '../../support/small-chain.ts'

const KEY = 'address_last_access'
const TABLE = `{target:Identifier}.int_${KEY}`
const COPY = '{target:Identifier}.copy'
const { server, databases, run: runAll } = await chainScene()
/** Runs have done blocks 1-20. */
beforeEach(async () => {
  await run('up --to 12')
  await run('up')
})

const run = (words: string) => runAll(`${words} --tables ${KEY}`)
const say = (statement: string) => post(server(), statement, databases())
const rows = () => rowsOf(server(), `SELECT * FROM ${TABLE} FINAL ORDER BY address`, databases())
const partition = async () =>
  (
    await rowsOf<{ id: string }>(
      server(),
      `SELECT partition_id AS id FROM system.parts WHERE active AND database = {target:String} AND table = 'int_${KEY}' ORDER BY id LIMIT 1`,
      databases(),
    )
  )[0]!.id
const checked = checkedBy(run)
const WELL = { code: 0, state: 'up to date' }
const LOST = { code: 8, state: 'emptied in part', exits: [8] }

test('a table with a row per key that lacks a partition is emptied in part, until it is rebuilt', async () => {
  const before = await rows()
  await say(`ALTER TABLE ${TABLE} DROP PARTITION ID '${await partition()}'`)
  expect(await checked()).toMatchObject(LOST)
  // Rows of new blocks do not hide it.
  await addBlocks(server(), databases().source, { from: 21, to: 24 })
  expect((await run('up')).stderr).toMatch(/lacks data parts that it had: .*`backfill rebuild/)
  expect(await checked()).toMatchObject(LOST)
  expect((await runAll(`rebuild ${KEY} --drop-old --yes`)).code).toBe(0)
  expect((await rows()).length).toBeGreaterThanOrEqual(before.length)
  expect(await checked()).toMatchObject(WELL)
})

test('a table with a row per key that was truncated and filled in place is emptied in part, and is not adopted', async () => {
  await say(
    `CREATE TABLE ${COPY} ENGINE = MergeTree ORDER BY address AS SELECT * FROM ${TABLE} FINAL WHERE block_number <= 12`,
  )
  await say(`TRUNCATE TABLE ${TABLE}`)
  await say(`INSERT INTO ${TABLE} SELECT * FROM ${COPY}`)
  expect(await checked()).toMatchObject(LOST)
  const adopted = await runAll(`adopt ${KEY}`)
  expect(adopted.code).not.toBe(0)
  expect(await checked()).toMatchObject(LOST)
})

test('merges, mutations and new rows keep a table with a row per key up to date', async () => {
  await say(`OPTIMIZE TABLE ${TABLE} FINAL`)
  await say(`ALTER TABLE ${TABLE} DELETE WHERE block_number = 0 SETTINGS mutations_sync = 2`)
  await addBlocks(server(), databases().source, { from: 21, to: 40 })
  await run('up --chunk 3')
  await say(`OPTIMIZE TABLE ${TABLE} FINAL`)
  expect(await checked()).toMatchObject(WELL)
})

test('a partition that was detached and attached again is adopted, and no event is lost', async () => {
  const [id, before] = [await partition(), await rows()]
  await say(`ALTER TABLE ${TABLE} DETACH PARTITION ID '${id}'`)
  await say(`ALTER TABLE ${TABLE} ATTACH PARTITION ID '${id}'`)
  expect(await rows()).toEqual(before)
  expect(await checked()).toMatchObject(LOST)
  expect(await runAll(`adopt ${KEY}`)).toMatchObject({ code: 0 })
  expect(await checked()).toMatchObject(WELL)
  await addBlocks(server(), databases().source, { from: 21, to: 24 })
  await run('up')
  expect(await checked()).toMatchObject(WELL)
})

test('rows that a TTL takes are not lost', async () => {
  await say(
    `ALTER TABLE ${TABLE} MODIFY TTL toDateTime(block_number) + INTERVAL 1 DAY SETTINGS mutations_sync = 2`,
  )
  await say(`OPTIMIZE TABLE ${TABLE} FINAL`)
  expect(await rows()).toEqual([])
  expect(await checked()).not.toMatchObject(LOST)
})
