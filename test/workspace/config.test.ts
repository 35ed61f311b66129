// Owns the promises of the configuration: which value wins, where it came from, and that no password is shown.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { upOptions } from '../../src/workspace/run-options.ts'
import { type Config, readConfig } from '../../src/workspace/config.ts'
import { mask, maskUrl } from '../../src/workspace/mask.ts'
import { typedWords } from '../../src/workspace/values.ts'
import { wantsColors } from '../../src/terminal/output.ts'
import { settingLines } from '../../src/commands/info/render.ts'
import pc from 'picocolors'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'backfill-config-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const config = (environment: Record<string, string> = {}, flags: Record<string, string> = {}): Config =>
  readConfig({ flags: typedWords(flags), environment, folder })

const login = (environment: Record<string, string>, side: 'source' | 'target' = 'target') => {
  const { servers } = config(environment)
  if (servers.kind === 'embedded') throw new Error('the embedded server was chosen')
  const { url, username, password } = servers[side]
  return { url: url.value, username: username.value, password: password.value }
}

test('a flag beats the environment, which beats .env, which beats the default; each says where it is from', () => {
  writeFileSync(join(folder, '.env'), 'BACKFILL_NETWORK=holesky\nBACKFILL_LAG=7\nBACKFILL_JOBS=3\n')
  const found = config({ BACKFILL_NETWORK: 'sepolia', BACKFILL_LAG: '8' }, { network: 'hoodi' })
  expect(found).toMatchObject({
    network: { value: 'hoodi', origin: 'flag --network' },
    lag: { value: 8, origin: 'environment BACKFILL_LAG' },
    jobs: { value: 3, origin: '.env BACKFILL_JOBS' },
    order: { value: 'oldest', origin: 'default' },
    databases: { target: { value: 'hoodi', origin: "default: the network's name" } },
  })
})

test('an empty variable counts as unset, an empty flag does not', () => {
  expect(config({ BACKFILL_LAG: '', TARGET_CLICKHOUSE_URL: '' })).toMatchObject({
    lag: { value: 384, origin: 'default' },
    servers: { kind: 'embedded', origin: 'default' },
  })
  expect(() => config({}, { lag: '' })).toThrow("--lag must be a number of blocks, got ''")
})

test('a bad variable is named with the place it stands in', () => {
  writeFileSync(join(folder, '.env'), 'BACKFILL_TABLE_JOBS=0\n')
  expect(() => config()).toThrow("BACKFILL_TABLE_JOBS in .env must be a whole number from 1, got '0'")
  expect(() => config({ BACKFILL_TABLE_JOBS: 'two' })).toThrow(
    "BACKFILL_TABLE_JOBS must be a whole number from 1, got 'two'",
  )
})

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

test('a side may log in as somebody else on the one server', () => {
  const environment = {
    TARGET_CLICKHOUSE_URL: 'db:8123',
    TARGET_CLICKHOUSE_USERNAME: 'writer',
    SOURCE_CLICKHOUSE_USERNAME: 'reader',
  }
  expect(login(environment, 'source')).toMatchObject({ url: 'http://db:8123', username: 'reader' })
})

test('the old names serve both sides, with a warning', () => {
  const environment = {
    XATU_CLICKHOUSE_URL: 'old:8443',
    XATU_CLICKHOUSE_PROTOCOL: 'https',
    XATU_CLICKHOUSE_PASSWORD: 'pw',
  }
  const both = { url: 'https://old:8443', username: 'default', password: 'pw' }
  expect([login(environment, 'source'), login(environment, 'target')]).toEqual([both, both])
  const { servers, warnings } = config(environment)
  expect(servers).toMatchObject({ source: { url: { origin: 'environment XATU_CLICKHOUSE_URL (legacy)' } } })
  expect(warnings).toEqual([expect.stringContaining('XATU_CLICKHOUSE_* is the old name')])
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

test('an unreadable .env is an error', () => {
  mkdirSync(join(folder, '.env'))
  expect(() => config()).toThrow(`cannot read ${join(folder, '.env')}: EISDIR`)
})

test('`info` shows every setting with its origin and no password', () => {
  const found = config({
    SOURCE_CLICKHOUSE_URL: 'http://ann:s3cret@db:8123',
    TARGET_CLICKHOUSE_URL: 'other',
    TARGET_CLICKHOUSE_PASSWORD: 't0psecret',
  })
  const text = settingLines(found, pc.createColors(false)).join('\n')
  expect(text).toMatch(/source +http:\/\/db:8123 +environment SOURCE_CLICKHOUSE_URL/)
  expect(text).toMatch(/target password +\*\*\* +environment TARGET_CLICKHOUSE_PASSWORD/)
  expect(text).not.toMatch(/s3cret|t0psecret/)
  expect(found.secrets).toEqual(['s3cret', 't0psecret'])
})

test('masking hides every occurrence, also in a URL that is too broken to be parsed', () => {
  expect(mask('s3cret: no s3cret', ['', 's3cret'])).toBe('***: no ***')
  expect(maskUrl('http://a:b@c@db:1/?password=x')).toBe('http://***@db:1/?***')
})

test.each([
  [{}, false, true, true],
  [{}, false, undefined, false],
  [{ TERM: 'dumb' }, false, true, false],
  [{ FORCE_COLOR: '1' }, false, undefined, true],
  [{ FORCE_COLOR: '0' }, false, true, false],
  [{ FORCE_COLOR: '1', NO_COLOR: '1' }, false, true, false],
  [{ FORCE_COLOR: '1' }, true, true, false],
  [{ NO_COLOR: '' }, false, true, true],
])('with %j, --no-color %s and a terminal %s, colours are %s', (env, off, isTTY, wanted) => {
  expect(wantsColors({ env, off, isTTY })).toBe(wanted)
})

const sizes = (environment: Record<string, string>, flags: Record<string, string>) => {
  const context = { config: config(environment, flags), flags: typedWords(flags) }
  const { chunk, chunkRows } = upOptions(context)
  return { chunk, chunkRows }
}

test('what is typed beats what is set, though it is another way to size a chunk', () => {
  expect(sizes({ BACKFILL_CHUNK: '7' }, { 'chunk-rows': '99' })).toEqual({ chunk: undefined, chunkRows: 99 })
  expect(sizes({ BACKFILL_CHUNK_ROWS: '99' }, { chunk: '7' })).toMatchObject({ chunk: 7 })
  expect(sizes({}, { chunk: '7', 'chunk-rows': '99' })).toMatchObject({ chunk: 7 })
  expect(sizes({ BACKFILL_CHUNK: '7' }, {})).toMatchObject({ chunk: 7 })
})

test('the order of blocks is newest or oldest first', () => {
  expect(config({ BACKFILL_ORDER: 'newest' }).order.value).toBe('newest')
  expect(() => config({}, { order: 'sideways' })).toThrow("--order must be oldest or newest, got 'sideways'")
})

test('a cluster has a name that a server can have, or there is none', () => {
  expect(config().cluster.value).toBeUndefined()
  expect(config({ BACKFILL_CLUSTER: '' }).cluster.value).toBeUndefined()
  expect(config({ BACKFILL_CLUSTER: 'all-shards.2' }).cluster.value).toBe('all-shards.2')
  expect(() => config({}, { cluster: '' })).toThrow('--cluster must not be empty')
  expect(() => config({}, { cluster: "x' y" })).toThrow(
    "--cluster must be a name of letters, digits, _, - and ., got 'x' y'",
  )
})

test('the compression is lz4 unless said otherwise', () => {
  expect(config().compression).toEqual({ value: 'lz4', origin: 'default' })
  expect(config({ BACKFILL_COMPRESSION: 'zstd' }, { compression: 'none' }).compression.value).toBe('none')
  expect(() => config({ BACKFILL_COMPRESSION: 'gzip' })).toThrow(
    "BACKFILL_COMPRESSION must be lz4, zstd or none, got 'gzip'",
  )
})

const ca = (environment: Record<string, string>, side: 'source' | 'target') => {
  const { servers } = config(environment)
  return servers.kind === 'embedded' ? undefined : servers[side].ca
}

test('a CA file belongs to the side whose URL is used, and must hold a certificate for an https server', () => {
  const pem = '-----BEGIN CERTIFICATE-----\n'
  writeFileSync(join(folder, 'ca.pem'), pem)
  writeFileSync(join(folder, 'empty.pem'), '')
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
  expect(() => config({ ...both, SOURCE_CLICKHOUSE_CA_FILE: 'none.pem' })).toThrow(
    /cannot read the certificate file .* of SOURCE_CLICKHOUSE_CA_FILE: ENOENT/,
  )
  expect(() => config({ TARGET_CLICKHOUSE_URL: 'db', TARGET_CLICKHOUSE_CA_FILE: 'ca.pem' })).toThrow(
    /TARGET_CLICKHOUSE_CA_FILE is set, but http:\/\/db:8123 is not https/,
  )
})
