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

test.each([
  'http:/w:hunter2@127.0.0.1',
  'http://127.0.0.1:1/#hunter2',
  'http://w:1#hunter2@127.0.0.1:1',
  'http://w:12/hunter2@127.0.0.1:1',
  'http://w:hun/ter2hunter2@127.0.0.1:1',
  'http://w:12?hunter2@127.0.0.1:1',
  'w:12/hunter2@127.0.0.1',
  'w:hunter2',
  'w:hunter2@',
  'https//w:hunter2@db',
  'http://db:8123?password=hunter2',
  'http://db:8123/?user=w&password=hunter2',
  'clickhouse://w:hunter2@db:9000',
  '\thttp://w:hunter2@db:70000',
  'host=db password=hunter2',
  'Server=db;Port=8123;Password=hunter2',
  'http://db;password=hunter2',
  'clickhouse-client --host db --password hunter2',
])('the mistyped address %s is refused without its password', (text) => {
  try {
    expect(serverUrl({ text, place: 'TARGET_CLICKHOUSE_URL' }, 'http').url).not.toContain('hunter2')
  } catch (error) {
    expect(error).toMatchObject({ kind: 'usage' })
    expect(JSON.stringify([(error as Error).message, (error as { hint?: string }).hint])).not.toContain(
      'ter2',
    )
  }
})
test.for(['ann:k/ey@db:8123', 'http://ann:k#ey@db:8123', 'http://ann:k?ey@db', 'http://ann:12/34@db:8123'])(
  'a password with a /, # or ? in the address is refused with what to write instead, and not shown: %s',
  (text) => {
    const read = () => serverUrl({ text, place: 'TARGET_CLICKHOUSE_URL' }, 'http')
    expect(read).toThrow("TARGET_CLICKHOUSE_URL has a /, ? or # before its @, got '")
    expect(read).not.toThrow(/k.ey|12.34/)
    expect(serverUrl({ text: 'http://ann:k%2Fey@db', place: '' }, 'http')).toMatchObject({ password: 'k/ey' })
  },
)

test.for(['http://u%3AZsecret9@db:8123', 'http://u;Zsecret9@db:8123', 'u%3bZsecret9@db', 'u%3AZsecret9:@db'])(
  'a user name that could hold the password is refused without being repeated: %s',
  (text) => {
    const read = () => serverUrl({ text, place: 'TARGET_CLICKHOUSE_URL' }, 'http')
    expect(read).toThrow('TARGET_CLICKHOUSE_URL has a user name with a : or ; in it, and no password')
    expect(read).not.toThrow(/Zsecret9/)
    expect(serverUrl({ text: 'http://a%3Ab:k%3Bey@db', place: '' }, 'http')).toMatchObject({
      username: 'a:b',
      password: 'k;ey',
    })
  },
)

test.for(['${HOST}:8123', 'http://$HOST:8123', 'http://{{ host }}'])(
  'an address in which nothing was filled in is refused: %s',
  (text) => {
    expect(() => serverUrl({ text, place: 'TARGET_CLICKHOUSE_URL' }, 'http')).toThrow(
      /TARGET_CLICKHOUSE_URL (has a \$, \{ or \} in its host|must be host:port)/,
    )
  },
)

test.for(['fe80::1', 'jdbc:clickhouse://db:8123/default'])(
  'what has no port where one stands is refused with how addresses are written: %s',
  (text) => {
    expect(() => serverUrl({ text, place: 'TARGET_CLICKHOUSE_URL' }, 'http')).toThrow(
      expect.objectContaining({ hint: expect.stringContaining('[::1]:8123') }) as Error,
    )
  },
)

test('an address of tens of thousands of letters is refused at once', () => {
  const text = 'http:/' + 'ttp://a/'.repeat(10_000)
  expect(() => serverUrl({ text, place: 'TARGET_CLICKHOUSE_URL' }, 'http')).toThrow(
    'TARGET_CLICKHOUSE_URL is no address: it has 80006 letters',
  )
})

test('an address with one / behind its scheme is told that the other is missing', () => {
  const text = 'http:/ann:secret@127.0.0.1:8123'
  const read = () => serverUrl({ text, place: 'TARGET_CLICKHOUSE_URL' }, 'http')
  expect(read).toThrow(/^TARGET_CLICKHOUSE_URL has one \/ behind http:$/)
})

test.for(['http:///db', 'https://', 'http:////db:8123'])('the address %s names no host', (text) => {
  expect(() => serverUrl({ text, place: 'TARGET_CLICKHOUSE_URL' }, 'http')).toThrow(
    'TARGET_CLICKHOUSE_URL must be host:port or an http(s) URL',
  )
})
