// Owns the promises of `doctor` about rights and settings of a user: what is missing, what to type, and that nothing stops.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readCatalogue } from '../../../src/project/sql-folder.ts'
import { environmentFor } from '../../support/cli.ts'
import { doctor } from '../../support/doctor.ts'
import { startTestServer, type TestServer } from '../../support/server.ts'
import { createSourceTables } from '../../support/small-chain.ts'
import { startWithUsers } from '../../support/users.ts'
import { SQL_FOLDER } from '../../support/workspace.ts'

const TABLES = ['--tables', 'block_slots_stat,address_last_access']
const catalogue = await readCatalogue(SQL_FOLDER)
let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server?.stop())

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

test('a user with few rights or with a profile in the way is told what to type, check by check', async () => {
  const limited = await startWithUsers(USERS)
  await createSourceTables(limited, catalogue, 'source')
  const as = (username: string) =>
    doctor(
      {
        ...environmentFor(server, { source: 'source', target: 'target', ledger: 'ledger' }),
        SOURCE_CLICKHOUSE_URL: limited.url,
        SOURCE_CLICKHOUSE_USERNAME: username,
        SOURCE_CLICKHOUSE_PASSWORD: 'secret',
      },
      TABLES,
    )
  const helpful = ['asynchronous_metrics', 'processes', 'server_settings'].map(
    (name) => `warn server-load system.${name}`,
  )

  const reader = await as('reader')
  expect(reader.unwell).toEqual(helpful)
  expect(reader.said('server-load')).toContain('GRANT SELECT ON system.server_settings TO `reader`')

  const one = await as('readonly_one')
  expect(one.unwell).toEqual(helpful)
  expect(one.said('settings')).toMatch(/may not set .*\(readonly = 1\); they are not sent/)

  const limit = await as('readonly_and_limited')
  expect(limit.unwell).toEqual(['fail profile source'])
  expect(limit.said('profile')).toMatch(
    /'readonly_and_limited' truncates results .*limit.*; .*ALTER USER readonly_and_limited SETTINGS limit = 0/,
  )

  expect((await as('readonly_two')).unwell).toEqual(helpful)

  const truncated = await as('truncated')
  expect(truncated.unwell).toEqual(helpful)
  expect(truncated.said('profile')).toMatch(
    /^every statement overrules timeout_overflow_mode = break of the profile/,
  )

  const bound = await as('bound')
  expect(bound.unwell).toEqual(['warn settings source', 'fail profile source'])
  expect(bound.said('profile')).toMatch(
    /'bound' truncates results .*limit.*; the other checks did not run; .*ALTER USER bound SETTINGS limit = 0/,
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
  expect(nobody.code, nobody.unwell.join()).toBe(0)
  expect(nobody.unwell).toContain('warn query-log system.query_log')
  expect(nobody.of('disk')).toMatchObject([
    { status: 'warn', hint: expect.stringMatching(/^GRANT SELECT.* ON system\.\w+ TO nobody$/) },
  ])
})
