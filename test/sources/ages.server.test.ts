// Owns the promise that the age of rows is known whatever the type of the column with the time at which they were written.
import { expect, test } from 'vitest'
import type { Server } from '../../src/clickhouse/server.ts'
import { openAges } from '../../src/sources/ages.ts'
import { createSources, useServer } from '../support/clickhouse.ts'

let server: Server

useServer((_, connected) => void (server = connected))

test('a time of writing that is a number of seconds, or a text, has an age as a DateTime has', async () => {
  const own = await createSources(server)
  const types = ['DateTime', "DateTime64(3, 'Asia/Tokyo')", 'UInt64', 'String', 'Nullable(DateTime)']
  const sources = types.map((_, index) => `source_${index}`)
  for (const [index, type] of types.entries()) {
    const table = `${own.connection.database}.${sources[index]}`
    const time = type === 'UInt64' ? 'toUnixTimestamp(now() - 500)' : 'now() - 500'
    await own.client.command({
      query: `CREATE TABLE ${table} (n UInt64, ts ${type}) ENGINE = MergeTree ORDER BY n`,
    })
    await own.client.command({ query: `INSERT INTO ${table} SELECT 7, ${time}` })
  }
  const ages = openAges({
    server: own,
    network: 'mainnet',
    columnsOf: () => ({ position: 'n', network: undefined, written: 'ts' }),
  })
  const found = await ages.newest(new Map(sources.map((source) => [source, 7])))
  expect([...found.keys()].toSorted()).toEqual(sources)
  for (const age of found.values()) expect(Math.abs(age - 500)).toBeLessThan(60)
  expect(await ages.firstOlder(sources, [{ from: 7, to: 7 }], 1000)).toBeUndefined()
  expect(await ages.firstOlder(sources, [{ from: 7, to: 7 }], 100)).toBe(7)
})
