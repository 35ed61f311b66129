// Owns the promises of which servers are meant, and with which login.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Config, readConfig } from '../../src/workspace/config.ts'
import { typedWords } from '../../src/workspace/values.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'backfill-config-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const config = (environment: Record<string, string> = {}, flags: Record<string, string> = {}): Config =>
  readConfig({ flags: typedWords(flags), environment, folder })

const login = (environment: Record<string, string>, side: 'source' | 'target' = 'target') => {
  const { servers } = config(environment)
  if (servers.kind !== 'remote') throw new Error('no server was named')
  const { url, username, password } = servers[side]
  return { url: url.value, username: username.value, password: password.value }
}

test('--embedded beats every URL', () => {
  const { servers } = config({ TARGET_CLICKHOUSE_URL: 'db:8123' }, { embedded: '' })
  expect(servers).toEqual({ kind: 'embedded', origin: 'flag --embedded' })
})

test('one URL serves both sides, with its own login', () => {
  const environment = {
    TARGET_CLICKHOUSE_URL: 'db',
    TARGET_CLICKHOUSE_USERNAME: 'ann',
    TARGET_CLICKHOUSE_PASSWORD: 'pw',
  }
  const both = { url: 'http://db:8123', username: 'ann', password: 'pw' }
  expect([login(environment, 'source'), login(environment, 'target')]).toEqual([both, both])
})

test('a side with a URL of its own never gets the password of another', () => {
  const environment = {
    SOURCE_CLICKHOUSE_URL: 'public:8123',
    TARGET_CLICKHOUSE_URL: 'private:8123',
    TARGET_CLICKHOUSE_PASSWORD: 'target-pw',
    XATU_CLICKHOUSE_URL: 'old:8123',
    XATU_CLICKHOUSE_USERNAME: 'xatu',
    XATU_CLICKHOUSE_PASSWORD: 'xatu-pw',
  }
  expect(login(environment, 'source')).toEqual({
    url: 'http://public:8123',
    username: 'default',
    password: '',
  })
})

test('a user name with a password behind a colon is refused, and not shown', () => {
  const named = { TARGET_CLICKHOUSE_URL: 'db', TARGET_CLICKHOUSE_USERNAME: 'ann:s3cret' }
  expect(() => config(named)).toThrow('TARGET_CLICKHOUSE_USERNAME has a : in it')
  expect(() => config(named)).not.toThrow('s3cret')
})

test('a side may log in as somebody else on the one server', () => {
  const environment = {
    TARGET_CLICKHOUSE_URL: 'db:8123',
    TARGET_CLICKHOUSE_USERNAME: 'writer',
    SOURCE_CLICKHOUSE_USERNAME: 'reader',
  }
  expect(login(environment, 'source')).toMatchObject({ url: 'http://db:8123', username: 'reader' })
})

test.each([
  ['db:9123', 'http://db:9123'],
  ['db', 'http://db:8123'],
  ['[::1]:9123', 'http://[::1]:9123'],
  ['https://db', 'https://db'],
  ['HTTPS://db:8443/', 'https://db:8443'],
  ['db/clickhouse', 'http://db:8123/clickhouse'],
  ['https://db:9443/a/b/', 'https://db:9443/a/b'],
])('the address %s means %s', (address, url) => {
  expect(login({ TARGET_CLICKHOUSE_URL: address }).url).toBe(url)
})

test.each([
  'tcp://db:9000',
  'clickhouse://db',
  'db:99999',
  'db:0',
  'db:port',
  'db:',
  'http://db:99999',
  'http://db:-1',
  'http://',
  'http://db?user=a',
  'http://db/path?user=a',
  'db:99999/path',
  'a b',
])('the address %s is refused, naming the variable and the value', (address) => {
  const message = expect.stringMatching(/^TARGET_CLICKHOUSE_URL must .*, got '/)
  expect(() => config({ TARGET_CLICKHOUSE_URL: address })).toThrow(
    expect.objectContaining({ message, kind: 'usage' }),
  )
})

test('credentials in a URL are moved out of it, and a variable beats them', () => {
  expect(login({ TARGET_CLICKHOUSE_URL: 'https://ann:p%40ss@db:8443' })).toEqual({
    url: 'https://db:8443',
    username: 'ann',
    password: 'p@ss',
  })
  expect(login({ TARGET_CLICKHOUSE_URL: 'ann:old@db:8123', TARGET_CLICKHOUSE_PASSWORD: 'new' })).toEqual({
    url: 'http://db:8123',
    username: 'ann',
    password: 'new',
  })
})

test.each([
  'ftp://ann:s3cret@db',
  'ann:s3cret@db:99999',
  'http://ann:s3c/ret@db:1?x=s3cret',
  'http://db?password=s3cret',
])('a refused address does not tell its password: %s', (address) => {
  const refused = () => config({ TARGET_CLICKHOUSE_URL: address })
  expect(refused).toThrow('***')
  expect(refused).not.toThrow(/s3c/)
})

test('a password file is read without the newline at its end, and a missing one is named', () => {
  writeFileSync(join(folder, 'pw'), ' s3cret \n')
  const environment = { TARGET_CLICKHOUSE_URL: 'db', TARGET_CLICKHOUSE_PASSWORD_FILE: 'pw' }
  expect(login(environment).password).toBe(' s3cret ')
  const missing = { ...environment, TARGET_CLICKHOUSE_PASSWORD_FILE: '/nowhere/pw' }
  expect(() => config(missing)).toThrow(
    'cannot read the password file /nowhere/pw of TARGET_CLICKHOUSE_PASSWORD_FILE: ENOENT',
  )
  expect(() => config({ ...environment, TARGET_CLICKHOUSE_PASSWORD: 'x' })).toThrow('are both set')
})

test('a login without a URL is an error, not the embedded server', () => {
  expect(() => config({ SOURCE_CLICKHOUSE_USERNAME: 'ann' })).toThrow(
    'SOURCE_CLICKHOUSE_USERNAME is set, but no URL is',
  )
})

const ca = (environment: Record<string, string>, side: 'source' | 'target') => {
  const { servers } = config(environment)
  return servers.kind === 'remote' ? servers[side].ca : undefined
}

test('a CA file belongs to the side whose URL is used, and must hold a certificate for an https server', () => {
  const pem = readFileSync('test/fixtures/tls/ca.pem', 'utf8')
  writeFileSync(join(folder, 'ca.pem'), pem)
  writeFileSync(join(folder, 'empty.pem'), '')
  writeFileSync(join(folder, 'key.pem'), readFileSync('test/fixtures/tls/server.key', 'utf8'))
  const both = { SOURCE_CLICKHOUSE_URL: 'https://a', TARGET_CLICKHOUSE_URL: 'https://b' }
  const own = { ...both, SOURCE_CLICKHOUSE_CA_FILE: 'ca.pem' }
  expect(ca(own, 'source')).toEqual({
    value: { file: join(folder, 'ca.pem'), pem },
    origin: 'environment SOURCE_CLICKHOUSE_CA_FILE',
  })
  expect(ca(own, 'target')).toBeUndefined()
  const one = { TARGET_CLICKHOUSE_URL: 'https://b', TARGET_CLICKHOUSE_CA_FILE: 'ca.pem' }
  expect(ca(one, 'source')).toEqual(ca(one, 'target'))
  expect(() => config({ ...both, SOURCE_CLICKHOUSE_CA_FILE: 'empty.pem' })).toThrow(/holds no certificate/)
  expect(() => config({ ...both, SOURCE_CLICKHOUSE_CA_FILE: 'key.pem' })).toThrow(/holds no certificate/)
  expect(() => config({ ...both, SOURCE_CLICKHOUSE_CA_FILE: 'none.pem' })).toThrow(
    /cannot read the certificate file .* of SOURCE_CLICKHOUSE_CA_FILE: ENOENT/,
  )
  expect(() => config({ TARGET_CLICKHOUSE_URL: 'db', TARGET_CLICKHOUSE_CA_FILE: 'ca.pem' })).toThrow(
    /TARGET_CLICKHOUSE_CA_FILE is set, but http:\/\/db:8123 is not https/,
  )
})

const tls = (name: string) => join(process.cwd(), 'test/fixtures/tls', name)
const withCertificate = (cert: string, key?: string) => ({
  TARGET_CLICKHOUSE_URL: 'https://b',
  TARGET_CLICKHOUSE_CERT_FILE: cert,
  ...(key && { TARGET_CLICKHOUSE_KEY_FILE: key }),
})

test('a certificate of the client needs its key, and both must be whole and fit', () => {
  const { servers } = config(withCertificate(tls('server.pem'), tls('server.key')))
  expect(servers).toMatchObject({ target: { key: { value: { file: tls('server.key') } } } })
  expect(() => config(withCertificate(tls('server.pem')))).toThrow('certificate without its key')
  expect(() => config(withCertificate(tls('ca.pem'), tls('server.key')))).toThrow(
    'is not that of the certificate',
  )
  writeFileSync(join(folder, 'cut.pem'), readFileSync(tls('server.pem'), 'utf8').slice(0, 400))
  expect(() => config(withCertificate('cut.pem', tls('server.key')))).toThrow('the file is cut off')
})
