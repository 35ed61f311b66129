// Owns the promises of `doctor` about the target: storage, ledger and locks; each check is made to find something for real.
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest'
import type { ProcessIdentity } from '../../../src/seam/process.ts'
import { lockName } from '../../../src/lock/fence.ts'
import { commentLiteral } from '../../../src/lock/comment.ts'
import { openLocks } from '../../../src/lock/lock.ts'
import { openServer } from '../../../src/clickhouse/server.ts'
import { namesFor } from '../../../src/clickhouse/connection.ts'
import { readCatalogue } from '../../../src/project/sql-folder.ts'
import { environmentFor } from '../../support/cli.ts'
import { doctor } from '../../support/doctor.ts'
import { backfillInside } from '../../support/inside.ts'
import { post, rowsOf, startTestServer, type TestServer, uniqueDatabase } from '../../support/server.ts'
import { addBlocks, createSourceTables } from '../../support/small-chain.ts'
import { openTestWorkspace, SQL_FOLDER } from '../../support/workspace.ts'

let server: TestServer
const catalogue = await readCatalogue(SQL_FOLDER)
const tables = ['block_slots_stat', 'address_last_access']
const source = uniqueDatabase('source')
beforeAll(async () => {
  server = await startTestServer()
  await createSourceTables(server, catalogue, source)
  await addBlocks(server, source, { from: 1, to: 20 })
})
afterAll(() => server?.stop())

/** Databases in which a run has done blocks 1-20, of each test's own. */
let databases: { readonly source: string; readonly target: string; readonly ledger: string }
beforeEach(async () => {
  databases = { source, target: uniqueDatabase('target'), ledger: uniqueDatabase('ledger') }
  const workspace = await openTestWorkspace({ server, ...databases, tables, catalogue })
  await workspace.up({ chunk: 10 })
  await workspace.close()
})

const environment = () => ({ ...environmentFor(server, databases), BACKFILL_LAG: '0' })
const examined = () => doctor(environment(), ['--tables', tables.join(',')])
const say = (statement: string, params: Record<string, string | number> = {}) =>
  post(server, statement, { target: databases.target, ledger: databases.ledger, ...params })
const slots = () => `${databases.target}.int_block_slots_stat`

/** Waits until this is true of some mutation of the tables: `NOT is_done`. What doctor looks for takes some seconds. */
async function mutationWith(condition: string) {
  const asked = `SELECT count() FROM system.mutations WHERE database = {target:String} AND ${condition}`
  while ((await say(asked)) === '0\n') await sleep(100)
}

test('a deletion that waits because merges are stopped fails, and the hint lets it end', async () => {
  await say('SYSTEM STOP MERGES {target:Identifier}.int_block_slots_stat')
  await say(`DELETE FROM ${slots()} WHERE block_number = 3 SETTINGS lightweight_deletes_sync = 0`)
  await mutationWith(`NOT is_done AND dateDiff('second', create_time, now()) >= 5`)
  const { code, unwell, said } = await examined()
  expect(unwell).toEqual([`fail merges ${slots()}`])
  expect(code).toBe(1)
  const [found, hint = ''] = said('merges').split('; ')
  expect(found).toMatch(/^nothing works on mutation_\S+, which has waited for \d+ s: merges are stopped/)
  await say(hint)
  await mutationWith('is_done')
  expect((await examined()).unwell).toEqual([])
})

test('a mutation that fails again and again fails, and the hint ends it', async () => {
  await say(
    `ALTER TABLE ${slots()} DELETE WHERE throwIf(block_number > 0, 'no such luck') SETTINGS mutations_sync = 0`,
  )
  await mutationWith(`latest_fail_reason != ''`)
  const { unwell, said } = await examined()
  expect(unwell).toEqual([`fail mutations ${slots()}`])
  const [found, hint = ''] = said('mutations').split('; ')
  expect(found).toContain('no such luck')
  await say(hint)
  expect((await examined()).unwell).toEqual([])
})

test('too many parts are told before INSERTs are slowed down, when they are, and when they are refused', async () => {
  await say('SYSTEM STOP MERGES {target:Identifier}.int_block_slots_stat')
  const [{ parts } = { parts: 0 }] = await rowsOf<{ parts: number }>(
    server,
    `SELECT max(n) AS parts FROM (SELECT count() AS n FROM system.parts WHERE active AND database = {target:String}
      AND table = 'int_block_slots_stat' GROUP BY partition_id)`,
    databases,
  )
  const limits = (delay: number, refuse: number) =>
    say(
      `ALTER TABLE ${slots()} MODIFY SETTING parts_to_delay_insert = ${delay}, parts_to_throw_insert = ${refuse}`,
    )
  await limits(parts, parts + 9)
  const slow = await examined()
  expect(slow.unwell).toEqual([`warn parts ${slots()}`])
  expect(slow.said('parts')).toMatch(/slowed down from \d+ on .*; OPTIMIZE TABLE \S+ PARTITION ID '/)
  await limits(1, parts)
  const refused = await examined()
  expect(refused.unwell).toEqual([`fail parts ${slots()}`])
  expect(refused.said('parts')).toContain(`INSERTs are refused from ${parts} on`)
})

/** Appends a checkpoint that is not the fold. */
const forge = (key: string, islands: string) =>
  say(
    `INSERT INTO {ledger:Identifier}.ledger (network, table_key, epoch, seq, event, target_uuid, islands, event_time)
    SELECT network, table_key, max(epoch), max(seq) + 1000, 'checkpoint', any(target_uuid), ${islands}, now64(6)
    FROM {ledger:Identifier}.ledger WHERE table_key = {key:String} GROUP BY network, table_key`,
    { key },
  )

test('a checkpoint that somebody tampered with fails for its blocks, and the hint heals it', async () => {
  await forge('block_slots_stat', `[(1, 12, 'done', anyIf(sql_hash, event = 'done'), '', '')]`)
  await forge('address_last_access', `[(1, 20, 'done', 'another', '', '')]`)
  const { code, unwell, of } = await examined()
  expect(code).toBe(1)
  expect(unwell).toContain('fail fold address_last_access')
  expect(unwell).toContain('fail fold block_slots_stat')
  expect(of('fold').map(({ finding, hint }) => `${finding}; ${hint}`)).toEqual([
    expect.stringMatching(/disagree about blocks 1-20.*; backfill rebuild address_last_access$/),
    expect.stringMatching(/disagree about blocks 13-20.*; backfill redo block_slots_stat --from 13 --to 20$/),
  ])
  for (const words of of('fold').map((one) => one.hint!.split(' ').slice(1))) {
    const yes = words[0] === 'redo' ? ['--yes'] : []
    const { code: ended, stderr } = await backfillInside([...words, ...yes], environment())
    expect(ended, stderr).toBe(0)
  }
  const healed = await examined()
  expect(healed.of('fold').map(({ status }) => status)).toEqual(['ok'])
})

test('locks: one that is held is fine, one without a heartbeat is a warning', async () => {
  const { url, username, password } = server
  const connection = { side: 'target', url, username, password, database: databases.target } as const
  const own = await openServer(connection)
  onTestFinished(() => own.close())
  const locks = openLocks({
    server: own,
    names: namesFor(databases.ledger),
    network: 'mainnet',
    exclusive: false,
  })
  const held = await locks.acquire('block_slots_stat', () => {})
  const claim = (epoch: number, holder: ProcessIdentity) =>
    post(
      server,
      `CREATE TABLE {locks:Identifier}.{name:Identifier} (nothing UInt8) ENGINE = Null COMMENT ${commentLiteral(
        {
          ...holder,
          since: '2026-01-01',
          heartbeat: '2026-01-01',
          beats: 0,
          released: false,
        },
      )}`,
      {
        locks: `${databases.ledger}_locks`,
        name: lockName({ network: 'mainnet', key: 'address_last_access', epoch }),
      },
    )
  await claim(98, { host: 'elsewhere', pid: 4711, pidNamespace: 'another' })
  const silent = await examined()
  expect(silent.unwell).toEqual(['warn locks address_last_access'])
  expect(silent.of('locks')).toHaveLength(1)
  expect(silent.said('locks')).toMatch(
    /^held by process 4711 on elsewhere since 2026-01-01, whose last heartbeat is 2026-01-01: .*; backfill unlock --tables address_last_access$/,
  )
  await held.release()

  await backfillInside(['unlock', '--tables', 'address_last_access'], environment())
  expect((await examined()).unwell).toEqual([])
})

test('a run at work is no fault: neither what it has begun nor what it writes meanwhile', async () => {
  await addBlocks(server, source, { from: 21, to: 40 })
  const workspace = await openTestWorkspace({ server, ...databases, tables, catalogue })
  onTestFinished(() => workspace.close())
  const running = workspace.up({ chunk: 1 })
  const { unwell } = await examined()
  const { failed } = await running
  expect(failed).toEqual([])
  // What two folds differ in while events arrive is at most a warning.
  expect(unwell.filter((line) => !line.startsWith('warn fold'))).toEqual([])
  expect((await examined()).unwell).toEqual([])
})
