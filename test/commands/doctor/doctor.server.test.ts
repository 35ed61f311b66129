// Owns the promises of `doctor` about servers and the connections to them: each check finds what it is for.
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { BUILT_IN } from '../../../src/commands/doctor/finding.ts'
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
})
afterAll(() => server?.stop())

test('where all is well every check says so, once, and the code is 0', async () => {
  const { code, unwell, checks } = await doctor(environment(), ALL_TABLES)
  expect(unwell).toEqual([])
  expect(code).toBe(0)
  // Of clusters and broken files there is nothing to say, nor of a Keeper.
  const silent = [
    'cluster',
    'row-policies',
    'unknown-rows',
    'misfit',
    'readiness',
    'sql-files',
    'nodes',
    'keeper',
    'ddl-queue',
    'locks-in-keeper',
  ]
  const files = readdirSync(join(SQL_FOLDER, 'doctor')).map((name) => name.replace('.sql', ''))
  const expected = [...Object.keys(BUILT_IN), ...files].filter((check) => !silent.includes(check))
  expect(checks.map(({ check }) => check).toSorted()).toEqual(expected.toSorted())
})

test('people read a line for each check under its group, and the sum at the end', async () => {
  const { code, stdout, stderr } = await backfillInside(
    ['doctor', '--idle', '1', ...ALL_TABLES],
    environment(),
  )
  expect(code).toBe(0)
  expect(stdout).toMatch(/^Servers\n {2}ok {4}reach +server +http/)
  expect(stdout).toMatch(/\n\nLedger\n {2}ok {4}fold {10}/)
  expect(stdout).toMatch(/\n\n17 ok\n$/)
  expect(stderr).toBe('Asking the servers; this takes about 2 s. Nothing is written.\n')
})

test('before the first run nothing is broken: what is not there yet is not there yet', async () => {
  const fresh = { source: databases.source, target: uniqueDatabase('none'), ledger: uniqueDatabase('none') }
  const { code, unwell, said } = await doctor(environmentFor(server, fresh))
  expect(unwell).toEqual([])
  expect(code).toBe(0)
  expect(said('fold')).toContain('there is no ledger yet; `backfill up` creates it')
})

test('broken SQL files fail, and the servers are examined', async () => {
  const { code, unwell, of } = await doctor(environment(), ['--sql', '/nowhere'])
  expect(code).toBe(1)
  expect(unwell).toEqual(['fail sql-files'])
  expect(of('reach')[0]?.status).toBe('ok')
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
  for (const check of ['version', 'idle-timeout', 'buffering', 'settings', 'profile', 'server-load'])
    expect(
      of(check).map(({ subject }) => subject),
      check,
    ).toEqual(['source'])
  expect(of('disk')).toEqual([])
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
  expect(of('reach').map(({ subject, status }) => `${status} ${subject}`)).toEqual([
    'ok source',
    'fail target',
  ])
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

test('a connection that is closed in silence fails', async () => {
  const proxy = await startIdleProxy(server.url, 1_500)
  onTestFinished(() => proxy.close())
  const env = { ...environment(), TARGET_CLICKHOUSE_URL: proxy.url }
  const { code, unwell, said } = await doctor(env, ALL_TABLES, '3')
  // On a busy machine other questions may be cut, too.
  expect(unwell).toContain('fail idle-timeout server')
  expect(code).toBe(1)
  expect(said('idle-timeout')).toMatch(
    /an idle connection is closed after \d\.\d s \(.+\).*; Raise the idle timeout/,
  )
})

test('a proxy that buffers answers until they are complete is a warning', async () => {
  const proxy = await startProxy(server.url)
  onTestFinished(() => proxy.close())
  const { code, unwell } = await doctor({ ...environment(), TARGET_CLICKHOUSE_URL: proxy.url }, ALL_TABLES)
  expect(unwell).toEqual(['warn buffering server'])
  expect(code).toBe(0)
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
      -- The last heartbeat of a lock of another file may arrive now.
      AND NOT (query LIKE '%MODIFY COMMENT%' AND position(query, {ledger:String}) = 0)
    GROUP BY kind ORDER BY kind`,
    { since: before[0]!.now, ledger: databases.ledger },
  )
  expect(kinds.reduce((sum, { written }) => sum + written, 0)).toBe(0)
  expect(kinds.map(({ kind }) => kind)).toEqual(['Select'])
})
