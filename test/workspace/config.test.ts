// Owns the promises of the configuration: which value wins, where it came from, and that no password is shown.
import pc from 'picocolors'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { upOptions } from '../../src/workspace/run-options.ts'
import { type Config, readConfig } from '../../src/workspace/config.ts'
import { mask, maskUrl } from '../../src/workspace/mask.ts'
import { typedWords } from '../../src/workspace/values.ts'
import { wantsColors } from '../../src/terminal/output.ts'
import { settingLines } from '../../src/commands/info/command.ts'

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

test('SQL folders: --sql, BACKFILL_SQL, `sql` beside the .env that is used or in the working folder, the own ones', () => {
  const own = fileURLToPath(new URL('../../sql', import.meta.url))
  expect(config().sql).toEqual({ value: [own], origin: 'default', isUsual: false })
  mkdirSync(join(folder, 'sql'))
  expect(config().sql.value).toEqual([own]) // a folder of something else
  mkdirSync(join(folder, 'sql/transforms'))
  const beside = [join(folder, 'sql')]
  expect(config().sql).toEqual({
    value: beside,
    origin: 'default: in the working folder',
    isUsual: false,
  })
  expect(config({}, { sql: 'sql' }).sql.isUsual).toBe(true)
  mkdirSync(join(folder, '.git'))
  mkdirSync(join(folder, 'deeper/sql/transforms'), { recursive: true })
  writeFileSync(join(folder, '.env'), '')
  const deeper = readConfig({ flags: new Map(), environment: {}, folder: join(folder, 'deeper') })
  expect(deeper.sql).toMatchObject({ value: beside, origin: 'default: beside .env' })
  expect(config({ BACKFILL_SQL: 'xatu, mine' }).sql.value).toEqual([own, join(folder, 'mine')])
  expect(config({ BACKFILL_SQL: 'mine' }, { sql: 'xatu' }).sql).toEqual({
    value: [own],
    origin: 'flag --sql',
    isUsual: false,
  })
  expect(() => config({}, { sql: 'xatu,' })).toThrow("--sql must not be empty, got ''")
})

test('an empty variable counts as unset, an empty flag does not', () => {
  expect(config({ BACKFILL_LAG: '', TARGET_CLICKHOUSE_URL: '' })).toMatchObject({
    lag: { value: { block: 384, second: 4608 }, origin: 'default' },
    servers: { kind: 'none', origin: 'default' },
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

test('masking hides a login in base64, as a proxy that quotes its request would print it', () => {
  const sent = Buffer.from('default:s3cret').toString('base64')
  expect(mask(`bad Basic ${sent}, run 87853487-e092-4930-a437-ab0ecf8608a7`, ['s3cret'])).toBe(
    'bad Basic ***, run 87853487-e092-4930-a437-ab0ecf8608a7',
  )
})

test('masking hides every occurrence, also in a URL that is too broken to be parsed', () => {
  expect(mask('s3cret: no s3cret', ['', 's3cret'])).toBe('***: no ***')
  expect(maskUrl('http://a:b@c@db:1/?password=x')).toBe('http://***@db:1/***')
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
  expect(wantsColors(env, off, isTTY)).toBe(wanted)
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
