// Owns the promises of `verify` and `rebuild` to a person: what they print, how they end, what they write.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readCatalogue } from '../../../src/project/sql-folder.ts'
import { backfillHere, environmentFor, expectOneMessage } from '../../support/cli.ts'
import { post, rowsOf, startTestServer, type TestServer, uniqueDatabase } from '../../support/server.ts'
import { addBlocks, createSourceTables } from '../../support/small-chain.ts'
import { openTestWorkspace, SQL_FOLDER } from '../../support/workspace.ts'

const KEY = 'block_slots_stat'

let server: TestServer
const source = uniqueDatabase('source')
beforeAll(async () => {
  server = await startTestServer()
  await createSourceTables(server, await readCatalogue(SQL_FOLDER), source)
  await addBlocks(server, source, { from: 1, to: 30 })
})
afterAll(() => server?.stop())

/** A person whose table is built in three chunks. */
async function person() {
  const workspace = await openTestWorkspace({ server, source, tables: [KEY] })
  expect((await workspace.up({ chunk: 10 })).failed).toEqual([])
  await workspace.close()
  const { target, ledger } = workspace
  const env = { ...environmentFor(server, { source, target, ledger }), BACKFILL_LAG: '0' }
  return {
    target,
    ledger,
    run: (words: string) => backfillHere(words.split(' '), { env }),
    post: (statement: string) =>
      post(server, statement.replaceAll('$T', `{target:Identifier}.int_${KEY}`), { target }),
  }
}

test('`verify` says chunk by chunk that all is the same, shows what is not, names the command; it writes nothing', async () => {
  const { run, post: change } = await person()
  await post(server, 'SYSTEM FLUSH LOGS query_log')
  const [{ now }] = (await rowsOf<{ now: string }>(server, 'SELECT toString(now64(6)) AS now')) as [
    { now: string },
  ]
  const good = await run(`verify ${KEY} --chunk 10 --jobs 1`)
  expect(good.code, good.stderr).toBe(0)
  expect(good.stdout).toBe(`${KEY}  3 of 3 chunks verified, 30 blocks: 3 same\n`)
  expect(good.stderr.split('\n').map((line) => line.replace(/ {2}[\d.]+ s$/, ''))).toEqual([
    `${KEY}  1-10  same  10 rows`,
    `${KEY}  11-20  same  10 rows`,
    `${KEY}  21-30  same  10 rows`,
    '',
  ])
  const sampled = await run(`verify ${KEY} --chunk 1 --sample 4 --seed 7 --quiet`)
  expect(sampled).toEqual({
    code: 0,
    stderr: '',
    stdout: `${KEY}  4 of 30 chunks verified, 4 blocks: 4 same\nA sample; repeat it with --seed 7\n`,
  })
  await post(server, 'SYSTEM FLUSH LOGS query_log')
  const writes = await rowsOf(
    server,
    `SELECT query FROM system.query_log WHERE event_time_microseconds > {now:String} AND type = 'QueryStart'
    AND query_kind NOT IN ('Select', 'System', 'Describe')`,
    { now },
  )
  expect(writes).toEqual([])

  await change('INSERT INTO $T (block_number, slots_cleared, slots_set) VALUES (12, 1, 0)')
  await change('DELETE FROM $T WHERE block_number = 15')
  const bad = await run(`verify ${KEY} --chunk 10 --quiet`)
  expect({ code: bad.code, stderr: bad.stderr }).toEqual({ code: 7, stderr: '' })
  expect(bad.stdout).toBe(`${KEY}  3 of 3 chunks verified, 30 blocks: 2 same, 1 DIFFERENT

11-20  DIFFERENT
  computed again 10 rows, in the table 9 rows
  1 key missing in the table
  1 key with other values in the table
  - computed again, + in the table; some of them:
     block_number  slots_cleared  slots_set  net_slots  net_slots_bytes
  -  15            0              1          1          64
  -  12            0              1          1          64
  +  12            1              0          -1         -64

Next: backfill redo ${KEY} --from 11 --to 20
`)
  const json = await run(`verify ${KEY} --chunk 10 --json`)
  expect(json.code).toBe(7)
  expect(JSON.parse(json.stdout)).toMatchObject({
    schema: 1,
    seed: null,
    tables: [
      {
        table: KEY,
        rows: 'per-block',
        chunks: 3,
        verified: 3,
        ranges: [
          { outcome: 'same' },
          {
            from: 11,
            to: 20,
            outcome: 'different',
            why: null,
            differences: { missing: 1, different: 1, unexpected: 0 },
          },
          { outcome: 'same' },
        ],
      },
    ],
  })
})

test('`verify --sources` marks and says so, then says that it was marked before, with exit code 4', async () => {
  const { run } = await person()
  expect(await run(`verify --sources ${KEY}`)).toEqual({
    code: 0,
    stderr: '',
    stdout: `${KEY}  30 blocks done, none with changed sources\n`,
  })
  await post(
    server,
    `INSERT INTO {source:Identifier}.canonical_execution_storage_diffs
    SELECT * REPLACE (now() AS updated_date_time) FROM {source:Identifier}.canonical_execution_storage_diffs WHERE block_number = 25`,
    { source },
  )
  const said = (fact: string) =>
    `${KEY}  30 blocks done, looked at\n  ${fact}\n\nNext: backfill redo ${KEY} --stale\n`
  const changed = 'changed 21-30 (10 blocks)'
  expect(await run(`verify --sources ${KEY} --dry-run`)).toMatchObject({
    code: 4,
    stdout: said(`${changed}: not marked (--dry-run)`),
  })
  expect(await run(`verify --sources ${KEY}`)).toMatchObject({
    code: 4,
    stdout: said(`${changed}: marked as stale`),
  })
  const again = await run(`verify --sources ${KEY} --json`)
  expect(again.code).toBe(4)
  expect(JSON.parse(again.stdout)).toMatchObject({
    schema: 1,
    tables: [{ table: KEY, looked_blocks: 20, changed: [], marked_before: [[21, 30]] }],
  })
  expect((await run('status --check --tables ' + KEY)).code).toBe(4)
})

test('`rebuild` shows what it would do, does it, keeps the old table, and drops it when it is told to', async () => {
  const { run, target } = await person()
  const dry = await run(`rebuild ${KEY} --dry-run`)
  expect(dry).toMatchObject({ code: 0, stderr: '' })
  expect(dry.stdout).toMatch(
    /^block_slots_stat\n {2}Building a new int_block_slots_stat beside the old one \(30 rows, [\d.]+ kB\), which .*\n {2}30 blocks in 1 chunk, about \d+ source rows; then 10 chunks are computed again, chosen at random.\n {2}The old table is kept; --drop-old drops it.\n\nNothing has been written.\n$/,
  )
  const done = await run(`rebuild ${KEY}`)
  expect(done.code, done.stderr).toBe(0)
  expect(done.stderr).toContain('Building a new int_block_slots_stat beside the old one (30 rows')
  expect(done.stdout).toMatch(
    new RegExp(
      `\\n${KEY} {2}exchanged: ${target}.int_${KEY} is the new table\\n {2}the old one is kept as int_${KEY}__old_[0-9a-f]{8}: \`backfill rebuild ${KEY} --drop-old\` drops it\\n$`,
    ),
  )
  const kept = await run(`rebuild ${KEY}`)
  expect(expectOneMessage({ ...kept, stderr: kept.stderr.replace(/^Building .*\n/, '') })).toContain(
    'is still kept',
  )
  expect(kept.code).toBe(2)

  const asked = await run(`rebuild ${KEY} --drop-old`)
  expect(expectOneMessage(asked)).toMatch(
    /cannot ask for confirmation \(not a terminal\): Drop .*__old_[0-9a-f]{8} \(30 rows/,
  )
  expect(asked.code).toBe(2)
  expect(await run(`rebuild ${KEY} --drop-old --yes`)).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(
      /only the old table was dropped; .*\n {2}dropped int_block_slots_stat__old_/,
    ),
  })
  expect(await run(`status --check --tables ${KEY}`)).toMatchObject({ code: 0 })
})

test.each([
  ['verify', '`verify` needs a table'],
  [`verify ${KEY} --seed 5`, '--seed is for --sample only'],
  [`verify ${KEY} --sources --sample 5`, '--sample and --sources exclude each other'],
  ['rebuild', '`rebuild` needs a table'],
  [`rebuild ${KEY} address_diffs`, '`rebuild` works on one table'],
])('`%s` is one message, exit 2', async (words, says) => {
  const ended = await backfillHere(words.split(' '), {
    env: environmentFor(server, { source, target: 'nowhere', ledger: 'nowhere' }),
  })
  expect(expectOneMessage(ended)).toContain(says)
  expect(ended.code).toBe(2)
})
