// Owns the promises of `doctor` about servers, the way to them and rights: each check finds what it is for.
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { CHECKS } from '../../../src/commands/doctor/checks/finding.ts'
import { readCatalogue } from '../../../src/project/sql-folder.ts'
import { startBalancer } from '../../support/balancer.ts'
import { environmentFor } from '../../support/cli.ts'
import { doctor } from '../../support/doctor.ts'
import { startIdleProxy } from '../../support/idle-proxy.ts'
import { backfillInside } from '../../support/inside.ts'
import { startProxy } from '../../support/proxy.ts'
import { post, rowsOf, startTestServer, type TestServer, uniqueDatabase } from '../../support/server.ts'
import { addBlocks, createSourceTables } from '../../support/small-chain.ts'
import { startWithUsers } from '../../support/users.ts'
import { openTestWorkspace, SQL_FOLDER } from '../../support/workspace.ts'

let server: TestServer
const catalogue = await readCatalogue(SQL_FOLDER)
const databases = {
  source: uniqueDatabase('source'),
  target: uniqueDatabase('target'),
  ledger: uniqueDatabase('ledger'),
}
const tables = ['block_slots_stat', 'address_last_access']
const ALL_TABLES = ['--tables', tables.join(',')]
const environment = () => environmentFor(server, databases)

beforeAll(async () => {
  server = await startTestServer()
  await createSourceTables(server, catalogue, databases.source)
  await addBlocks(server, databases.source, { from: 1, to: 20 })
  const workspace = await openTestWorkspace({ server, ...databases, tables, catalogue })
  await workspace.up()
  await workspace.close()
}, 60_000)
afterAll(() => server?.stop())

test('where all is well every check says so, once, and the code is 0', async () => {
  const { code, unwell, of } = await doctor(environment(), ALL_TABLES)
  expect(unwell).toEqual([])
  expect(code).toBe(0)
  const ofClusters = ['nodes', 'replicas', 'keeper']
  for (const check of Object.keys(CHECKS) as (keyof typeof CHECKS)[])
    expect(of(check), check).toHaveLength(ofClusters.includes(check) ? 0 : 1)
  expect(of('mode')[0]?.found).toBe('inside one server: address_last_access, block_slots_stat')
})

test('people read a line for each check under its group, and the sum at the end', async () => {
  const { code, stdout, stderr } = await backfillInside(
    ['doctor', '--idle', '1', ...ALL_TABLES],
    environment(),
  )
  expect(code).toBe(0)
  expect(stdout).toMatch(/^Servers\n {2}ok {4}node +Node /)
  expect(stdout).toContain('\n\nLedger\n  ok    ledger     ')
  expect(stdout).toMatch(/\n\n24 ok\n$/)
  expect(stderr).toBe('Asking the servers; this takes about 2 s. Nothing is written.\n')
})

test('before the first run nothing is broken: what is not there yet is not there yet', async () => {
  const fresh = { source: databases.source, target: uniqueDatabase('none'), ledger: uniqueDatabase('none') }
  const { code, unwell, said } = await doctor(environmentFor(server, fresh))
  expect(unwell).toEqual([])
  expect(code).toBe(0)
  expect(said('ledger')).toContain('there is none yet')
  expect(said('targets')).toContain('0 of 11 derived tables are there; `backfill up` creates')
})

test('source tables that are not there fail, and the rest is examined', async () => {
  const env = environmentFor(server, { ...databases, source: uniqueDatabase('none') })
  const { code, unwell, said } = await doctor(env)
  expect(code).toBe(1)
  expect(unwell).toEqual([expect.stringMatching(/^fail sources none_/)])
  expect(said('sources')).toMatch(/none of the source tables is there.*Set SOURCE_CLICKHOUSE_DATABASE/)
})

test('broken SQL files fail, and the servers are examined', async () => {
  const { code, unwell, of } = await doctor(environment(), ['--sql', '/nowhere'])
  expect(code).toBe(1)
  expect(unwell).toEqual(['fail sql-files'])
  expect(of('reach')[0]?.verdict).toBe('ok')
})

test('a target that is away is exit 6, and the source is examined all the same', async () => {
  const env = {
    ...environment(),
    SOURCE_CLICKHOUSE_URL: server.url,
    SOURCE_CLICKHOUSE_USERNAME: server.username,
    SOURCE_CLICKHOUSE_PASSWORD: server.password,
    TARGET_CLICKHOUSE_URL: '127.0.0.1:1',
  }
  const { code, unwell, of } = await doctor(env)
  expect(code).toBe(6)
  expect(unwell).toEqual(['fail reach target'])
  for (const check of ['version', 'clock', 'silence', 'streaming', 'settings', 'profile', 'grants'] as const)
    expect(
      of(check).map(({ about }) => about),
      check,
    ).toEqual(['source'])
  expect(of('sources')[0]?.found).toBe('all 9 source tables are there')
})

test('a wrong password names user and side, never the password, and is exit 6', async () => {
  const env = {
    ...environment(),
    TARGET_CLICKHOUSE_PASSWORD: 'wr0ng-s3cret',
    SOURCE_CLICKHOUSE_URL: server.url,
  }
  const { code, of, said } = await doctor({
    ...env,
    SOURCE_CLICKHOUSE_USERNAME: server.username,
    SOURCE_CLICKHOUSE_PASSWORD: server.password,
  })
  expect(code).toBe(6)
  expect(of('reach').map(({ about, verdict }) => `${verdict} ${about}`)).toEqual(['ok source', 'fail target'])
  expect(said('reach')).toContain(`refuses user '${server.username}'`)
  expect(said('reach')).toContain('Check TARGET_CLICKHOUSE_USERNAME and _PASSWORD')
  expect(said('reach')).not.toContain('s3cret')
})

test('a balancer in front of two servers is told from one server, on either side', async () => {
  const all = { grants: ['GRANT ALL ON *.*'] }
  const two = [await startWithUsers({ both: all }), await startWithUsers({ both: all })]
  const balancer = await startBalancer(two.map(({ url }) => url))
  onTestFinished(() => balancer.close())
  const login = { url: balancer.url, username: 'both', password: 'secret' }
  const asTarget = await doctor(environmentFor(login, { source: 's', target: 't', ledger: 'l' }))
  expect(asTarget.code).toBe(1)
  expect(asTarget.unwell).toContain('fail balancer server')
  expect(asTarget.said('balancer')).toBe(
    `2 servers answer at ${balancer.url}: tables, ledger and locks would be scattered over them; Set TARGET_CLICKHOUSE_URL to one of them`,
  )
  const asSource = await doctor({
    ...environment(),
    SOURCE_CLICKHOUSE_URL: login.url,
    SOURCE_CLICKHOUSE_USERNAME: login.username,
    SOURCE_CLICKHOUSE_PASSWORD: login.password,
  })
  expect(asSource.unwell).toContain('warn balancer source')
  expect(asSource.said('balancer')).toContain('Set SOURCE_CLICKHOUSE_URL to one of them')
})

test('a connection that is cut in silence fails', async () => {
  const proxy = await startIdleProxy(server.url, 1_500)
  onTestFinished(() => proxy.close())
  const env = { ...environment(), TARGET_CLICKHOUSE_URL: proxy.url }
  const { code, unwell, said } = await doctor(env, ALL_TABLES, '3')
  // On a busy machine other questions may be cut, too.
  expect(unwell).toContain('fail silence server')
  expect(code).toBe(1)
  expect(said('silence')).toMatch(
    /a silent connection is cut after \d\.\d s \(.+\).*; Raise the idle timeout/,
  )
})

test('a proxy that keeps answers until they are complete is a warning', async () => {
  const proxy = await startProxy(server.url)
  onTestFinished(() => proxy.close())
  const { code, unwell } = await doctor({ ...environment(), TARGET_CLICKHOUSE_URL: proxy.url }, ALL_TABLES)
  expect(unwell).toEqual(['warn streaming server'])
  expect(code).toBe(0)
})

const READER = ['GRANT SELECT ON source.*']
const USERS = {
  nobody: { grants: [] },
  reader: { grants: READER },
  readonly_one: { grants: READER, profile: { readonly: '1' } },
  readonly_two: { grants: READER, profile: { readonly: '2' } },
  truncated: { grants: READER, profile: { timeout_overflow_mode: 'break' } },
  readonly_and_limited: { grants: READER, profile: { readonly: '1', limit: '5' } },
  bound: {
    grants: READER,
    profile: {
      limit: '5',
      max_execution_time: '30',
      constraints: '<limit><const/></limit><max_execution_time><max>60</max></max_execution_time>',
    },
  },
}

test('a user without rights or with a profile in the way is told what to type, check by check', async () => {
  const limited = await startWithUsers(USERS)
  await createSourceTables(limited, catalogue, 'source')
  const as = (username: string) =>
    doctor(
      {
        ...environmentFor(server, { ...databases, source: 'source' }),
        SOURCE_CLICKHOUSE_URL: limited.url,
        SOURCE_CLICKHOUSE_USERNAME: username,
        SOURCE_CLICKHOUSE_PASSWORD: 'secret',
      },
      ALL_TABLES,
    )
  const helpful = ['warn grants source', 'warn grants source']

  const nobody = await as('nobody')
  expect(nobody.code).toBe(1)
  expect(nobody.unwell).toEqual(expect.arrayContaining(['fail grants source', 'fail sources source']))
  expect(nobody.said('grants')).toMatch(/GRANT SELECT ON source\.\S+ TO nobody/)

  const reader = await as('reader')
  expect(reader.unwell).toEqual(helpful)
  expect(reader.said('grants')).toContain('GRANT SELECT ON system.server_settings TO reader')
  expect(reader.of('mode').map(({ found }) => found)).toEqual([
    'streamed from the source to the target: address_last_access, block_slots_stat',
  ])

  const one = await as('readonly_one')
  expect(one.unwell).toEqual(helpful)
  expect(one.said('settings')).toMatch(/may not set .*\(readonly = 1\); they are not sent/)

  const limit = await as('readonly_and_limited')
  expect(limit.unwell).toEqual(['fail profile source'])
  expect(limit.said('profile')).toContain('has limit = (not shown)')

  expect((await as('readonly_two')).unwell).toEqual(helpful)

  const truncated = await as('truncated')
  expect(truncated.unwell).toEqual(helpful)
  expect(truncated.of('profile')[0]?.found).toMatch(/^timeout_overflow_mode = break of .* is overruled/)

  const bound = await as('bound')
  expect(bound.unwell).toEqual(['warn settings source', 'fail profile source'])
  expect(bound.said('profile')).toMatch(
    /has limit = \(not shown\), and the user may not overrule it.*; ALTER USER bound SETTINGS limit = 0/,
  )
  expect(bound.said('settings')).toMatch(
    /longer than 30 s fail.*ALTER USER bound SETTINGS max_execution_time = 3600/,
  )
})

test('a target user who may only read cannot write, and what it may not see is a warning that names the grant', async () => {
  const limited = await startWithUsers(USERS)
  const env = {
    ...environmentFor(limited, { source: 'source', target: 'target', ledger: 'ledger' }),
    TARGET_CLICKHOUSE_PASSWORD: 'secret',
  }
  const two = await doctor({ ...env, TARGET_CLICKHOUSE_USERNAME: 'readonly_two' })
  expect(two.unwell).toContain('fail settings server')
  expect(two.said('settings')).toContain('ALTER USER readonly_two SETTINGS readonly = 0')

  const nobody = await doctor({ ...env, TARGET_CLICKHOUSE_USERNAME: 'nobody' })
  expect(nobody.code).toBe(1)
  expect(nobody.of('disk')).toMatchObject([
    { verdict: 'warn', hint: expect.stringMatching(/^GRANT SELECT.* ON system\.\w+ TO nobody$/) },
  ])
})

test('none of this has written anything: the server has seen questions only', async () => {
  await post(server, 'SYSTEM FLUSH LOGS query_log')
  const before = await rowsOf<{ now: string }>(server, 'SELECT toString(now64(6)) AS now')
  await doctor(environment(), ALL_TABLES)
  await post(server, 'SYSTEM FLUSH LOGS query_log')
  const kinds = await rowsOf<{ kind: string; written: number }>(
    server,
    `SELECT toString(query_kind) AS kind, sum(written_rows) AS written FROM system.query_log
    WHERE type != 'QueryStart' AND http_user_agent LIKE '%clickhouse-js%' AND event_time_microseconds > {since:String}
    GROUP BY kind ORDER BY kind`,
    { since: before[0]!.now },
  )
  expect(kinds.reduce((sum, { written }) => sum + written, 0)).toBe(0)
  expect(kinds.map(({ kind }) => kind)).toEqual(['Check', 'Select'])
})
