// Owns the promise that a setting which was typed for a run, and not a file, is blamed for what the server does not take.
import { ClickHouseError } from '@clickhouse/client'
import { expect, test } from 'vitest'
import { serverError } from '../../src/clickhouse/server-error.ts'
import type { Server } from '../../src/clickhouse/server.ts'
import { assertTaken } from '../../src/clickhouse/settings-limits.ts'
import { connectionTo } from '../support/answering.ts'

const connection = connectionTo('http://db:8123')

function refusing(code: string, message: string): Pick<Server, 'client' | 'connection' | 'limits'> {
  const error = serverError(new ClickHouseError({ code, message, type: 'X' }), {
    connection,
    doing: undefined,
  })
  const client = { rows: () => Promise.reject(error) } as unknown as Server['client']
  return { client, connection, limits: undefined }
}

test('a value that a setting cannot have is blamed on the place where it was typed', async () => {
  const server = refusing('27', "Cannot parse input: expected 'eof' before: 'abc'.")
  await expect(assertTaken(server, { max_threads: 'abc' }, 'flag --settings')).rejects.toMatchObject({
    kind: 'usage',
    message:
      "the setting max_threads=abc (flag --settings) is refused by ClickHouse (target http://db:8123): Cannot parse input: expected 'eof' before: 'abc'.",
    hint: 'Write a value that the setting has, or take it out',
  })
})

test('a server that is busy while settings are tried is not blamed on them', async () => {
  const server = refusing('202', 'Too many simultaneous queries')
  await expect(assertTaken(server, { priority: '3' }, 'flag --settings')).rejects.toMatchObject({
    kind: 'failed',
    code: 202,
  })
})

test('a typed setting that the user may not set is named with its place, and no header is', async () => {
  const denied = [{ name: 'priority', wanted: '3', holds: '0' }]
  const limits = { denied: () => denied } as unknown as NonNullable<Server['limits']>
  const server = { ...refusing('1', ''), limits }
  await expect(assertTaken(server, { priority: '3' }, 'environment BACKFILL_SETTINGS')).rejects.toMatchObject(
    {
      kind: 'usage',
      message:
        "the setting priority=3 (environment BACKFILL_SETTINGS) is refused by ClickHouse (target http://db:8123): user 'ann' may not set it (it has '0')",
    },
  )
})
