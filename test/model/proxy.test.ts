// Owns the promises about the proxies that the environment names: which address counts, what is refused, and that no password is shown.
import { expect, onTestFinished, test, vi } from 'vitest'
import { proxyFor, proxySecrets } from '../../src/model/proxy.ts'
import { serverError } from '../../src/clickhouse/server-error.ts'
import type { BackfillError } from '../../src/model/errors.ts'
import { mask } from '../../src/workspace/mask.ts'
import { readConfig } from '../../src/workspace/config.ts'
import { openWeb } from '../../src/commands/import/files/web-files.ts'
import { ask, connectionTo, listening } from '../support/answering.ts'

const DB = 'http://db.invalid:8123'
const addressIn = (HTTP_PROXY: string) => proxyFor(DB, { HTTP_PROXY })?.environment['http_proxy']
const read = (environment: Record<string, string>) =>
  readConfig({ flags: new Map(), environment, folder: '/nowhere' })
const thrownBy = (work: () => unknown): unknown => {
  try {
    return work()
  } catch (error) {
    return error
  }
}

test.for([
  ['127.0.0.1:3128', 'http://127.0.0.1:3128/'],
  ['HTTP://127.0.0.1:3128', 'http://127.0.0.1:3128/'],
  [' http://proxy:3128 ', 'http://proxy:3128/'],
  ['https://proxy', 'https://proxy/'],
  ['ann:secret@proxy:1', 'http://ann:secret@proxy:1/'],
  ['http://ann:100%@proxy:1', 'http://ann:100%25@proxy:1/'],
  ['http://ann:a%2Fb@proxy:1', 'http://ann:a%2Fb@proxy:1/'],
])('the address of a proxy counts as in curl: %j', ([written, meant]) => {
  expect(addressIn(written!)).toBe(meant)
})

const MISTYPED = [
  'http://u:secretpw@127.0.0.1:99999',
  'http://u:secretpw@127.0.0.1:x',
  'http://u:sec/retpw@127.0.0.1:3128',
  'http://u:1/retpw@127.0.0.1:3128',
  'u:1/retpw@127.0.0.1:3128',
  'http:/u:secretpw@proxy:1',
  'http:/proxy',
  'socks5://u:secretpw@127.0.0.1:1080',
  'http://',
]
test.for(MISTYPED)(
  'a proxy that is mistyped is refused by its variable, without its password: %s',
  (text) => {
    for (const [url, name] of [
      [DB, 'HTTP_PROXY'],
      [DB, 'http_proxy'],
      ['https://db.invalid:8443', 'HTTPS_PROXY'],
      ['https://db.invalid:8443', 'https_proxy'],
    ] as const) {
      const error = thrownBy(() => proxyFor(url, { [name]: text }))
      expect(error).toMatchObject({ kind: 'usage', message: expect.stringMatching(`^${name} `) })
      const { message, hint } = error as BackfillError
      expect(`${message} ${hint}`).not.toContain('retpw')
    }
  },
)

test('a command refuses a bad proxy of either side before it asks anything, and none that it does not need', () => {
  const HTTP_PROXY = MISTYPED[0]!
  for (const side of ['TARGET', 'SOURCE'])
    expect(() =>
      read({ TARGET_CLICKHOUSE_URL: '127.0.0.1', [`${side}_CLICKHOUSE_URL`]: 'db.invalid', HTTP_PROXY }),
    ).toThrow('HTTP_PROXY is no address of a proxy')
  expect(read({ TARGET_CLICKHOUSE_URL: '127.0.0.1', HTTP_PROXY }).servers.kind).toBe('remote')
  expect(read({ TARGET_CLICKHOUSE_URL: 'db.invalid', HTTP_PROXY, NO_PROXY: '.invalid' }).servers.kind).toBe(
    'remote',
  )
})

test.for(['*', 'db.invalid', 'x, DB.invalid', 'db.invalid:8123', '.invalid', '*.invalid', '.db.invalid'])(
  'NO_PROXY=%s goes past the proxy',
  (no_proxy) => {
    expect(proxyFor(DB, { HTTP_PROXY: 'proxy', no_proxy })).toBeUndefined()
  },
)

test.for([
  ['http://db.corp.example:8123', 'other corp.example'],
  ['http://db.corp.example:8123', 'other,EXAMPLE'],
  ['http://10.1.2.3:8123', '10.0.0.0/8'],
  ['http://10.1.2.3:8123', '10.1.2.3/32'],
  ['http://192.168.255.1:8123', 'x,192.168.128.0/17'],
])('for %s, NO_PROXY=%s goes past the proxy, as for curl', ([url, NO_PROXY]) => {
  expect(proxyFor(url!, { HTTP_PROXY: 'proxy', NO_PROXY })).toBeUndefined()
})

test.for([
  ['http://11.1.2.3:8123', '10.0.0.0/8,11.1.2.2/32,1.2.3,10.0.0.0/99,11.1.2.3/'],
  ['http://db.corp.example:8123', 'orp.example,corp,10.0.0.0/8, ,.'],
])('for %s, NO_PROXY=%s names another host', ([url, NO_PROXY]) => {
  expect(proxyFor(url!, { HTTP_PROXY: 'proxy', NO_PROXY })?.variable).toBe('HTTP_PROXY')
})

test('loopback needs no proxy, an empty variable names none, and a part of a name is no name', () => {
  for (const url of ['http://localhost:8123', 'http://127.0.0.2:8123', 'http://[::1]:8123'])
    expect(proxyFor(url, { http_proxy: 'socks5://x' })).toBeUndefined()
  expect(proxyFor(DB, { http_proxy: ' ', HTTPS_PROXY: 'proxy' })).toBeUndefined()
  expect(proxyFor(DB, { HTTP_PROXY: 'proxy', NO_PROXY: 'b.invalid,db,:8123' })?.variable).toBe('HTTP_PROXY')
})

test('passwords of proxies are masked like others, however the addresses are mistyped', () => {
  for (const text of [...MISTYPED, 'http://u:se%63retpw@proxy:1'])
    for (const name of ['HTTP_PROXY', 'http_proxy', 'HTTPS_PROXY', 'https_proxy']) {
      const secrets = proxySecrets({ [name]: text })
      expect(mask(`Invalid proxy URL: ${text}`, secrets)).not.toMatch(/retpw/)
    }
  expect(proxySecrets({ HTTP_PROXY: 'u:p%40ss@proxy' })).toEqual(['p%40ss', 'p@ss'])
  const { secrets } = read({ HTTPS_PROXY: 'http://u:secretpw@proxy' })
  expect(secrets).toContain('secretpw')
})

test('a request goes through a proxy that is written without http://', async () => {
  const proxy = await listening((_, response) => response.end('{"data":[{"n":1}]}'))
  onTestFinished(() => void vi.unstubAllEnvs())
  vi.stubEnv('HTTP_PROXY', proxy.replace('http://', ''))
  expect(await ask(DB)).toEqual([{ n: 1 }])
})

test('where a proxy stands between, an error and its hint name the variable that names it', async () => {
  onTestFinished(() => void vi.unstubAllEnvs())
  vi.stubEnv('HTTP_PROXY', 'http://u:secretpw@127.0.0.1:1')
  const error = serverError(new Error('connect ECONNREFUSED'), {
    connection: connectionTo(DB),
    doing: undefined,
  })
  expect(error).toMatchObject({
    message: `cannot reach ClickHouse (target ${DB} through HTTP_PROXY): connect ECONNREFUSED`,
    hint: 'Check HTTP_PROXY, TARGET_CLICKHOUSE_URL and that proxy and server are up; NO_PROXY=db.invalid goes past the proxy',
  })
  const { signal } = new AbortController()
  const web = { baseUrl: 'http://files.invalid/x', network: 'n', stallMs: 5_000, signal }
  await expect(openWeb(web)).rejects.toThrow(
    'cannot reach http://files.invalid/x through HTTP_PROXY: connect',
  )
  vi.stubEnv('HTTP_PROXY', MISTYPED[0])
  await expect(openWeb(web)).rejects.toMatchObject({ kind: 'usage' })
})
