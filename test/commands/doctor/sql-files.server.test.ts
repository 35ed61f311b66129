// Owns the promises about the files of sql/doctor/: each runs unmodified, and from which figure on it finds something.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { post, rowsOf, startTestServer, type TestServer, uniqueDatabase } from '../../support/server.ts'
import { type StandIns, withStubTables } from '../../support/stand-in.ts'
import { SQL_FOLDER } from '../../support/workspace.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server?.stop())

const FOLDER = join(SQL_FOLDER, 'doctor')
const textOf = (check: string) => readFileSync(join(FOLDER, `${check}.sql`), 'utf8')

const PARAMS = {
  source: 's',
  target: 'd',
  ledger: 'l',
  locks: 'l_locks',
  network: 'mainnet',
  cluster: 'c',
  tables: `['d.t', 'd.u']`,
}

type Row = {
  readonly status: string
  readonly subject: string
  readonly finding: string
  readonly hint: string
}

const ask = async (check: string, rows: StandIns = {}, params: Record<string, string> = {}) =>
  await rowsOf<Row>(server, await withStubTables(server, textOf(check), rows), { ...PARAMS, ...params })
const statusOf = async (check: string, rows: StandIns) => (await ask(check, rows)).map(({ status }) => status)

/** They read tables that exist only with Keeper. */
const OF_KEEPER = ['ddl-queue', 'locks-in-keeper']
/** They read all nodes of a cluster that exists: nodes.cluster.test.ts asks them. */
const OF_CLUSTERS = ['nodes']

test('every file runs as it is, and returns status, subject, finding and hint', async () => {
  const files = readdirSync(FOLDER).map((name) => name.replace('.sql', ''))
  for (const check of files.filter((name) => ![...OF_KEEPER, ...OF_CLUSTERS].includes(name))) {
    const described = await rowsOf<{ name: string; type: string }>(
      server,
      `DESCRIBE (${textOf(check)}\n)`,
      PARAMS,
    )
    expect(
      described.map(({ name }) => name),
      check,
    ).toEqual(['status', 'subject', 'finding', 'hint'])
    expect(
      described.every(({ type }) => /String/.test(type)),
      check,
    ).toBe(true)
  }
})

const GIB = 1024 ** 3
const part = (more: object = {}) => ({ database: 'd', table: 't', partition_id: '1', active: 1, ...more })
const many = (count: number, more: object = {}) => Array.from({ length: count }, () => part(more))
const disk = (free: number, total = 1000 * GIB, more: object = {}) => ({
  disks: [{ name: 'default', unreserved_space: free, total_space: total, ...more }],
  parts: [part({ disk_name: 'default', bytes_on_disk: 5 * GIB })],
})

test('a disk is compared with its size and with the biggest table', async () => {
  const sizes = [50 * GIB, 50 * GIB - 1, 5 * GIB - 1, GIB - 1]
  const found = await Promise.all(sizes.map(async (free) => (await ask('disk', disk(free)))[0]))
  expect(found.map((row) => row?.status)).toEqual(['ok', 'warn', 'warn', 'fail'])
  expect(found[1]?.finding).toContain('less than a twentieth')
  expect(found[2]?.finding).toContain('less than d.t takes (5.00 GiB)')
  expect(found[2]?.hint).toMatch(/^Free or add disk space/)
  expect(await statusOf('disk', disk(GIB - 1, 10 * GIB))).toEqual(['warn'])
  expect(await statusOf('disk', disk(500 * GIB, 1000 * GIB, { is_broken: 1 }))).toEqual(['fail'])
  // Of other disks nobody asked.
  expect(await statusOf('disk', disk(0, GIB, { name: 'other' }))).toEqual([])
})

const partitioned = (count: number, more: object = {}, engine_full = '') => ({
  parts: many(count, more),
  tables: [{ database: 'd', name: 't', engine_full }],
})

test('parts are compared with the limits of their table, else of the server, and big ones are fine', async () => {
  expect(await ask('parts', partitioned(799))).toEqual([])
  expect(await ask('parts', partitioned(800))).toMatchObject([
    { status: 'warn', subject: 'd.t', hint: "OPTIMIZE TABLE `d`.`t` PARTITION ID '1'" },
  ])
  expect(await ask('parts', partitioned(3000))).toMatchObject([
    {
      status: 'fail',
      finding: '3000 parts in partition 1: INSERTs are refused from 3000 on (parts_to_throw_insert)',
    },
  ])
  expect(await ask('parts', partitioned(3000, { bytes_on_disk: GIB }))).toEqual([])
  const own = 'MergeTree SETTINGS parts_to_delay_insert = 5, parts_to_throw_insert = 9'
  expect(await ask('parts', partitioned(4, {}, own))).toMatchObject([
    { finding: expect.stringContaining('from 5 on') },
  ])
})

const MUTATION = { database: 'd', table: 't', mutation_id: 'mutation_7.txt' }
const WORKING = [{ database: 'd', table: 't' }]
const ago = (seconds: number) => Math.floor(Date.now() / 1000) - seconds
const mutation = (seconds: number, more: object = {}) => [{ ...MUTATION, create_time: ago(seconds), ...more }]

const both = async (mutations: readonly object[], merges: readonly object[] = []) => {
  const rows = { mutations, merges } as StandIns
  return [
    ...(await statusOf('mutations', rows)),
    '|',
    ...(await statusOf('merges', { ...rows, parts: [] })),
  ].join('')
}

test('a mutation waits, works, takes long or fails', async () => {
  expect(await both(mutation(2))).toBe('|')
  expect(await both(mutation(6))).toBe('|fail')
  expect(await both(mutation(6), WORKING)).toBe('|')
  expect(await both(mutation(3500), WORKING)).toBe('|')
  expect(await both(mutation(3601), WORKING)).toBe('warn|')
  expect(await both(mutation(3601, { latest_fail_reason: 'Code: 395' }))).toBe('fail|')
  expect(await both(mutation(3601, { is_done: 1 }))).toBe('|')
  expect(await both(mutation(3601, { table: 'of_others' }))).toBe('|')
})

const piled = (count: number, seconds: number, merges: readonly object[] = []) =>
  ask('merges', {
    parts: many(count, { modification_time: ago(seconds) }),
    merges,
    mutations: [],
  } as StandIns)

test('many parts that nobody merges for a minute look like stopped merges', async () => {
  expect(await piled(20, 62)).toMatchObject([{ status: 'warn', hint: 'SYSTEM START MERGES `d`.`t`' }])
  expect(await piled(19, 62)).toEqual([])
  expect(await piled(20, 55)).toEqual([])
  expect(await piled(20, 62, WORKING)).toEqual([])
})

const replica = (more: object) => ask('replicas', { replicas: [{ database: 'd', table: 't', ...more }] })

test('a replica that is read-only fails, one that is a minute late is a warning', async () => {
  expect(await replica({ absolute_delay: 59 })).toEqual([])
  expect(await replica({ absolute_delay: 60 })).toMatchObject([
    { status: 'warn', finding: 'is 60 s behind', hint: 'SYSTEM SYNC REPLICA `d`.`t`' },
  ])
  expect(await replica({ is_readonly: 1, zookeeper_exception: 'no\nstack' })).toMatchObject([
    {
      status: 'fail',
      finding: 'is read-only: no',
      hint: expect.stringMatching(/RESTART REPLICA `d`.`t`; .* SYSTEM RESTORE REPLICA `d`.`t`$/),
    },
  ])
})

const keeper = (names: readonly string[], value: number) =>
  statusOf('keeper', {
    tables: names.map((name) => ({ database: 'system', name })),
    metrics: [{ metric: 'ZooKeeperSession', value }],
  })

test('a target without Keeper is a warning, one that lost its session a failure', async () => {
  expect(await keeper([], 0)).toEqual(['warn'])
  expect(await keeper(['zookeeper'], 0)).toEqual(['fail'])
  expect(await keeper(['zookeeper'], 1)).toEqual([])
})

const queue = (status: string, seconds: number) =>
  ask('ddl-queue', {
    distributed_ddl_queue: [
      {
        cluster: 'c',
        entry: 'query-7',
        host: 'b',
        port: 9000,
        status,
        query: 'DROP',
        query_create_time: ago(seconds),
      },
    ],
  })

test('a node that has not run a statement ON CLUSTER for a minute is a warning', async () => {
  expect(await queue('Inactive', 50)).toEqual([])
  expect(await queue('Finished', 90)).toEqual([])
  expect(await queue('Inactive', 90)).toMatchObject([
    {
      status: 'warn',
      subject: 'b:9000',
      finding: expect.stringMatching(/^has not run query-7 for \d+ s: DROP$/),
    },
  ])
})

test.each([
  ['25.8.1.1', 'ok'],
  ['25.10.1.1', 'ok'],
  ['26.3.1.1', 'ok'],
  ['25.7.9.9', 'fail'],
  ['24.12.1.1', 'fail'],
])('ClickHouse %s is %s', async (version, status) => {
  const text = textOf('version').replaceAll('version()', `'${version}'`)
  expect(await rowsOf(server, text)).toMatchObject([{ status }])
})

test('a lock in Keeper whose holder has been silent for a minute is a warning', async () => {
  const locks = uniqueDatabase('locks')
  await post(server, `CREATE DATABASE ${locks}`)
  await post(server, `CREATE TABLE ${locks}.locks (name String, comment String) ENGINE = Memory`)
  const hold = (epoch: number, more: object) =>
    post(server, `INSERT INTO ${locks}.locks VALUES ({name:String}, {comment:String})`, {
      name: `mainnet__address_diffs__${String(epoch).padStart(20, '0')}`,
      comment: JSON.stringify({ host: 'there', pid: 4711, since: 'then', released: false, ...more }),
    })
  const found = () => ask('locks-in-keeper', {}, { locks })
  await hold(1, { heartbeat: '2026-01-01T00:00:00.000Z' })
  expect(await found()).toMatchObject([
    { status: 'warn', subject: 'address_diffs', hint: 'backfill unlock --tables address_diffs' },
  ])
  await hold(2, { heartbeat: new Date().toISOString() })
  expect(await found()).toEqual([])
  await hold(3, { heartbeat: '2026-01-01T00:00:00.000Z', released: true })
  expect(await found()).toEqual([])
})
