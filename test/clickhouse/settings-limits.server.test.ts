// Owns the promises about what a user may set: the one answer by which statements are sent and `doctor` reports.
import { expect, onTestFinished, test } from 'vitest'
import { openServer, openWith } from '../../src/clickhouse/server.ts'
import { readLimits } from '../../src/clickhouse/settings-limits.ts'
import { startWithUsers } from '../support/users.ts'

const USERS = {
  free: { grants: [], profile: { sort_overflow_mode: 'break' } },
  at_most: { grants: [], constraints: { max_execution_time: '<max>3599</max>' } },
  at_least: { grants: [], constraints: { max_execution_time: '<min>3601</min>' } },
  just: { grants: [], constraints: { max_execution_time: '<min>3600</min><max>3600</max>' } },
  fixed: { grants: [], profile: { max_threads: '3' }, constraints: { max_threads: '<const/>' } },
  reads: { grants: [], profile: { readonly: '1' } },
}

test('a setting is sent exactly where the user may set it, or where it has the value already', async () => {
  const { url } = await startWithUsers(USERS)
  const as = (username: string) =>
    ({ side: 'target', url, username, password: 'secret', database: 'default' }) as const
  const limitsOf = async (username: keyof typeof USERS) => {
    const bare = await openWith(as(username), {})
    onTestFinished(() => bare.close())
    return await readLimits(bare.client, as(username))
  }
  const hour = { max_execution_time: 3600 }
  for (const username of ['at_most', 'at_least'] as const) {
    const limits = await limitsOf(username)
    expect(limits.sendable({ ...hour, limit: '0' }), username).toEqual({ limit: '0' })
    expect(limits.denied(hour), username).toMatchObject([{ name: 'max_execution_time', wanted: '3600' }])
  }
  expect((await limitsOf('just')).sendable(hour)).toEqual(hour)

  const fixed = await limitsOf('fixed')
  expect(fixed.sendable({ max_threads: 4 })).toEqual({})
  expect(fixed.sendable({ max_threads: 3 })).toEqual({ max_threads: 3 })
  // What is no setting is a parameter of the request.
  expect(fixed.sendable({ session_id: 'x' })).toEqual({ session_id: 'x' })

  const reads = await limitsOf('reads')
  expect(reads.readonly).toBe('1')
  expect(reads.sendable({ ...hour, async_insert: 0, limit: '0' })).toMatchObject({ limit: '0' })
  expect(reads.sendable(hour)).toEqual({})

  const free = await limitsOf('free')
  const wanted = { sort_overflow_mode: 'throw', ...hour } as const
  expect(free.denied(wanted)).toEqual([])
  expect(free.overruled(wanted)).toEqual([{ name: 'sort_overflow_mode', wanted: 'throw', holds: 'break' }])

  // And so they are sent: the server would refuse the others.
  for (const username of Object.keys(USERS)) {
    const server = await openServer(as(username))
    onTestFinished(() => server.close())
    await server.client.rows({ query: 'SELECT 1' })
  }
})
