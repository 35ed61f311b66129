// Owns the promise of a server's address: what is left out is what ClickHouse has by default.
import { expect, test } from 'vitest'
import { serverUrl } from '../../src/workspace/server-url.ts'

test.each([
  ['db', 'http', 'http://db:8123'],
  ['db', 'https', 'https://db:8443'],
  ['db:9123', 'https', 'https://db:9123'],
  ['[::1]', 'https', 'https://[::1]:8443'],
  ['https://db', 'http', 'https://db'],
  ['http://db', 'https', 'http://db'],
] as const)('the address %s with the protocol %s means %s', (text, protocol, url) => {
  expect(serverUrl({ text, place: 'TARGET_CLICKHOUSE_URL' }, protocol).url).toBe(url)
})
