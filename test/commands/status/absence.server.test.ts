// Owns the promises about absence: what looks finished and is not is named, and `status --check` says so by its exit code.
import { beforeEach, expect, test } from 'vitest'
import { chainScene } from '../../support/chain-scene.ts'
import { checkedBy } from '../../support/status-check.ts'
import { post, rowsOf } from '../../support/server.ts'
import { addBlocks } from '../../support/small-chain.ts'

const TABLE = 'int_block_slots_stat'
const { catalogue, server, databases, run: runAll } = await chainScene()
/** A run has done blocks 1-20. */
beforeEach(async () => void (await run('up')))

const run = (words: string) =>
  runAll(words.includes('--tables') ? words : `${words} --tables block_slots_stat`)
const say = (statement: string) => post(server(), statement, databases())
const sources = catalogue.sources.map(({ table }) => table)
const emptySources = () =>
  Promise.all(sources.map((table) => say(`TRUNCATE TABLE {source:Identifier}.${table}`)))
const checked = checkedBy(run)

test('a table that was emptied, sources without rows, and a head that went back are not healthy: exit 8', async () => {
  expect(await checked()).toEqual({ code: 0, state: 'up to date', exits: [], stderr: '' })

  await emptySources()
  expect(await checked()).toMatchObject({ code: 8, state: 'no source rows', exits: [8] })
  expect((await run('up')).stderr).toMatch(/no rows of this network in .*, although blocks are done/)

  await addBlocks(server(), databases().source, { from: 1, to: 12 })
  const back = await checked()
  expect(back).toMatchObject({ code: 8, state: 'head went back', exits: [8] })
  expect(back.stderr).toBe('status --check: mainnet: exit 8: block_slots_stat: head went back\n')
  expect((await run('status')).stdout).toMatch(
    /blocks up to 20 are done, but the newest block of the sources is 12: .*`backfill verify --sources` finds/,
  )
  expect((await run('up')).stderr).toContain('warning: block_slots_stat  blocks up to 20 are done')

  await addBlocks(server(), databases().source, { from: 13, to: 20 })
  expect(await checked()).toMatchObject({ code: 0 })
  await say(
    `ALTER TABLE {target:Identifier}.${TABLE} DELETE WHERE block_number = 3 SETTINGS mutations_sync = 2`,
  )
  const part = await checked()
  expect(part).toMatchObject({ code: 8, state: 'emptied in part', exits: [8] })
  expect((await run('status')).stdout).toContain('has 19 rows, but the ledger recorded 20')
  expect((await run('up')).stderr).toContain('was a partition dropped, or were rows deleted?')
  const found = await run('verify --stored')
  expect(found.code).toBe(7)
  expect(found.stdout).toContain('1 row of 20 lost')
  // Built again, the range counts once.
  expect((await run(`redo --from 1 --to 20 --yes`)).code).toBe(0)
  await say(`OPTIMIZE TABLE {target:Identifier}.${TABLE} FINAL`)
  expect(await checked()).toMatchObject({ code: 0, state: 'up to date' })
  await say(`TRUNCATE TABLE {target:Identifier}.${TABLE}`)
  expect(await checked()).toMatchObject({ code: 8, state: 'emptied' })
})

test('a table whose TTL has taken all rows is not emptied, and gets new ones; a TTL that takes no rows explains nothing', async () => {
  const alter = (ttl: string) => say(`ALTER TABLE {target:Identifier}.${TABLE} MODIFY TTL ${ttl}`)
  const rows = () => rowsOf(server(), `SELECT block_number FROM {target:Identifier}.${TABLE}`, databases())
  await alter('toDateTime(block_number) + INTERVAL 30 DAY')
  await say(`OPTIMIZE TABLE {target:Identifier}.${TABLE} FINAL`)
  expect(await rows()).toEqual([])
  expect(await checked()).toMatchObject({ code: 0, state: 'up to date', exits: [] })
  await addBlocks(server(), databases().source, { from: 21, to: 22 })
  expect(await run('up')).toMatchObject({ code: 0, stderr: expect.not.stringContaining('was it truncated?') })

  await alter('toDateTime(block_number) + INTERVAL 30 DAY RECOMPRESS CODEC(ZSTD(3))')
  await say(`TRUNCATE TABLE {target:Identifier}.${TABLE}`)
  expect(await checked()).toMatchObject({ code: 8, state: 'emptied' })
})

test('blocks that --to has forced above the newest block are not a head that went back', async () => {
  expect((await run('up --to 25')).code).toBe(0)
  expect(await checked()).toMatchObject({ code: 0, state: 'up to date' })
})

test('a block number that the column of a table cannot hold is left out, and takes the place of no other block', async () => {
  const rows = () =>
    rowsOf(server(), `SELECT * FROM {target:Identifier}.${TABLE} FINAL ORDER BY block_number`, databases())
  const before = await rows()
  await addBlocks(server(), databases().source, { from: 2 ** 32 + 5, to: 2 ** 32 + 5 })
  const { code, stderr } = await run('up')
  expect({ code, stderr }).toEqual({
    code: 0,
    stderr: expect.stringContaining(
      'has rows at positions below 0 or above 4294967295: they are taken for mistakes',
    ),
  })
  expect(await rows()).toEqual(before)
  expect((await run('status')).stdout).toContain('has rows at positions below 0 or above 4294967295')
})

test('of several reasons the worst decides, and JSON lists all', async () => {
  await addBlocks(server(), databases().source, { from: 21, to: 30 })
  await say(
    `INSERT INTO {ledger:Identifier}.ledger SELECT * REPLACE (epoch + 1 AS epoch, 'late-x' AS sql_hash, 3 AS range_from, 4 AS range_to)
     FROM {ledger:Identifier}.ledger WHERE event = 'done'`,
  )
  expect(await checked()).toMatchObject({ code: 3, exits: [3, 4] })
  await say(`TRUNCATE TABLE {target:Identifier}.${TABLE}`)
  expect((await checked()).code).toBe(8)
})

test('missing blocks are a failure when they arrived more than an hour ago, or exceed --max-behind', async () => {
  await addBlocks(server(), databases().source, { from: 21, to: 23, at: 'now() - 600' })
  expect(await checked()).toMatchObject({ code: 0, state: 'missing' })
  expect(await checked(' --max-behind 2')).toMatchObject({ code: 3 })
  expect(await checked(' --max-behind 3')).toMatchObject({ code: 0 })
  await addBlocks(server(), databases().source, { from: 24, to: 24, at: 'now() - 4000' })
  expect(await checked()).toMatchObject({ code: 3, exits: [3] })
  expect((await run('up')).code).toBe(0)
  expect(await checked()).toMatchObject({ code: 0, state: 'up to date' })
})

test('missing blocks whose rows have a time in the future are a failure: nobody knows when they arrived', async () => {
  await addBlocks(server(), databases().source, { from: 21, to: 21, at: 'now() + 600' })
  expect(await checked()).toMatchObject({ code: 0, state: 'missing' })
  await addBlocks(server(), databases().source, { from: 22, to: 22, at: 'now() + 40000' })
  expect(await checked()).toMatchObject({ code: 3, exits: [3] })
})

test('a table that has never run is not late but missing', async () => {
  await say(`DROP TABLE {target:Identifier}.${TABLE}`)
  await emptySources()
  await addBlocks(server(), databases().source, { from: 1, to: 20, at: 'now()' })
  expect(await checked()).toMatchObject({ code: 3, exits: [3] })
})

test('incomplete blocks are waiting for a day, then a failure; --max-incomplete-age sets how long', async () => {
  const more = ' --tables address_diffs'
  expect((await run('up --tables address_diffs')).code).toBe(0)
  const short = sources.map((table) => table.replace('canonical_execution_', ''))
  const tables = short.filter((table) => table !== 'nonce_diffs')
  await addBlocks(server(), databases().source, { from: 21, to: 21, at: 'now() - 7200', tables })
  await addBlocks(server(), databases().source, { from: 22, to: 22, at: 'now() - 7200' })
  expect((await run('up --tables address_diffs')).code).toBe(0)
  expect(await checked(more)).toMatchObject({ code: 0, state: 'waiting' })
  expect(await checked(`${more} --max-incomplete-age 1h`)).toMatchObject({ code: 3, exits: [3] })
  expect(await checked(`${more} --max-incomplete-age 3h`)).toMatchObject({ code: 0 })

  await addBlocks(server(), databases().source, { from: 23, to: 23, at: 'now() - 90000', tables })
  await addBlocks(server(), databases().source, { from: 24, to: 24, at: 'now()' })
  expect((await run('up --tables address_diffs')).code).toBe(0)
  expect(await checked(more)).toMatchObject({ code: 3, exits: [3] })
})

test('how old sources may be is judged only where it is asked', async () => {
  expect(await checked()).toMatchObject({ code: 0 })
  const old = await checked(' --max-source-age 1h')
  expect(old).toMatchObject({ code: 8, state: 'source too old' })
  await addBlocks(server(), databases().source, { from: 21, to: 21, at: 'now() - 60' })
  await run('up')
  expect(await checked(' --max-source-age 1h')).toMatchObject({ code: 0 })
  const { code, stderr } = await run('status --max-source-age 1h')
  expect(code).toBe(2)
  expect(stderr).toContain('--max-source-age is for --check only')
})

test('a row that is dated in the future hides no loader that has stopped', async () => {
  await addBlocks(server(), databases().source, { from: 21, to: 21, at: 'now() - 7200' })
  await addBlocks(server(), databases().source, { from: 22, to: 22, at: 'now() + 864000' })
  await run('up')
  expect(await checked(' --max-source-age 1h')).toMatchObject({ code: 8, state: 'source too old' })
  expect(await checked(' --max-source-age 3h')).toMatchObject({ code: 0 })
})

/** The table again under a new UUID, as a copy or a restored backup is. */
async function copyTable() {
  await say(`RENAME TABLE ${databases().target}.${TABLE} TO ${databases().target}.moved`)
  await say(`CREATE TABLE ${databases().target}.${TABLE} AS ${databases().target}.moved`)
  await say(`INSERT INTO ${databases().target}.${TABLE} SELECT * FROM ${databases().target}.moved`)
}
const stored = async () =>
  (
    await rowsOf<{ n: number; v: string }>(
      server(),
      `SELECT count() AS n, toString(max(block_number)) AS v FROM {target:Identifier}.${TABLE}`,
      databases(),
    )
  )[0]

test('rows that the ledger does not know are named and not touched, other tables go on, and up ends with 1', async () => {
  await copyTable()
  const before = await stored()
  const up = await run('up --tables block_slots_stat,address_reads')
  expect(up.code).toBe(1)
  for (const way of [
    'adopt block_slots_stat`',
    'rebuild block_slots_stat`',
    'up --recompute block_slots_stat`',
  ])
    expect(up.stderr).toContain(`\`backfill ${way}`)
  expect(up.stderr).toContain('adopt block_slots_stat --from-uuid')
  expect(await stored()).toEqual(before)
  expect((await run('status --check --tables address_reads')).code).toBe(0)
  expect(await checked()).toMatchObject({ code: 8, state: 'unknown rows' })
  const plan = await run('plan')
  expect(plan.stdout).toContain('20 rows of which this ledger knows nothing')
  expect(plan.stdout).not.toContain('will run')
  const doctor = await run('doctor')
  expect(doctor.code).toBe(1)
  expect(doctor.stdout).toMatch(/fail +unknown-rows/)
})

test('rebuild builds a table with unknown rows again beside it, and nothing is unknown then', async () => {
  await copyTable()
  const { code, stderr } = await run('rebuild')
  expect(code, stderr).toBe(0)
  expect(await checked()).toMatchObject({ code: 0, state: 'up to date' })
})

test('a per-key table with unknown rows is referred to rebuild', async () => {
  const words = 'up --tables address_last_access'
  expect((await run(words)).code).toBe(0)
  await say('TRUNCATE TABLE {ledger:Identifier}.ledger')
  const { code, stderr } = await run(words)
  expect(code).toBe(1)
  expect(stderr).not.toContain('--recompute')
  const refused = await run(`${words} --recompute address_last_access`)
  expect(refused.code).toBe(2)
  expect(refused.stderr).toContain('backfill rebuild address_last_access')
})

test('up --recompute deletes unknown rows as far as it can compute them again, and computes them', async () => {
  await copyTable()
  // Rows that no source can give again, and wrong rows.
  await say(
    `INSERT INTO {target:Identifier}.${TABLE} (block_number, slots_cleared, slots_set) VALUES (9000, 1, 1), (7, 9, 9)`,
  )
  const { code, stderr } = await run('up --recompute block_slots_stat')
  expect(code, stderr).toBe(0)
  const rows = await rowsOf(
    server(),
    `SELECT count() AS n, countIf(slots_set = 9) AS wrong, countIf(block_number = 9000) AS kept FROM {target:Identifier}.${TABLE}`,
    databases(),
  )
  expect(rows).toEqual([{ n: 21, wrong: 0, kept: 1 }])
  expect(await checked()).toMatchObject({ code: 0, state: 'up to date' })
  expect((await run('verify')).code).toBe(0)
})
