// Owns the promise that a value of `.env` or of the environment counts exactly as written, or is refused.
import { execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { assert, property, string } from 'fast-check'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { readConfig } from '../../src/workspace/config.ts'
import { parseDotenv } from '../../src/workspace/variables.ts'
import { typedWords } from '../../src/workspace/values.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'backfill-dotenv-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const config = (environment: Record<string, string> = {}) =>
  readConfig({ flags: typedWords({}), environment, folder })
const withDotenv = (bytes: string | Uint8Array, environment: Record<string, string> = {}) => {
  writeFileSync(join(folder, '.env'), bytes)
  return config(environment)
}
const passwordOf = ({ servers }: ReturnType<typeof config>) =>
  servers.kind === 'remote' ? servers.target.password.value : 'embedded'

test.for([
  ['a=secret#1', 'secret#1'],
  ['a=#1', '#1'],
  ['a=x # a comment', 'x'],
  ['a= # a comment', ''],
  ['a="x # y" # a comment', 'x # y'],
  ["a='x\\ny'", 'x\\ny'],
  ['a="x\\ny"', 'x\ny'],
  ['a="one\ntwo"\nb=3', 'one\ntwo'],
  ['export a = x ', 'x'],
  ['a=it"s', 'it"s'],
])('%j in .env is %j', ([line, value]) => {
  expect(parseDotenv('.env', line!)['a']).toBe(value)
})

test.each(['A=b\rC=d', 'A=b\n\r', '\r', 'A="b\u2028c"'])(
  'what ends lines elsewhere is refused in .env, and not looked at for ever: %j',
  (text) => {
    expect(() => parseDotenv('.env', text)).toThrow('ends no line')
  },
)

test.for(['a: b', 'a b', 'set a=b', 'a="x" y', "a='x", 'a="x"#y', '=b', '1a=b'])(
  'a line that sets nothing is an error with its number, and its text is not shown: %j',
  (line) => {
    expect(() => parseDotenv('.env', `# one\n\n${line}\nb=2`)).toThrow(/^\.env:3: the line sets nothing$/)
  },
)

test('every value that is quoted comes back as it was', () => {
  const value = string({ unit: 'binary' }).filter((text) => !/['\r]/.test(text))
  assert(
    property(value, value, (one, two) => {
      expect(parseDotenv('.env', `A='${one}'\nB='${two}' # x\n`)).toEqual({ A: one, B: two })
    }),
  )
})

test('.env with a byte order mark, with CRLF or in UTF-16 is read like any other', () => {
  const text = 'BACKFILL_NETWORK=holesky\r\nBACKFILL_LAG=7\r\n'
  const utf16 = Buffer.from(`\ufeff${text}`, 'utf16le')
  for (const bytes of [`\ufeff${text}`, utf16, Buffer.from(utf16).swap16()])
    expect(withDotenv(bytes)).toMatchObject({ network: { value: 'holesky' }, lag: { value: 7 } })
  expect(() => withDotenv(Buffer.from([0x41, 0x3d, 0xe9, 0x0a]))).toThrow('it is not text in UTF-8 or UTF-16')
})

test.for(['derived\r', ' derived', 'derived ', '"derived"', "'derived'", 'de\nrived'])(
  'a database called %j is refused before anything is written',
  (name) => {
    const environment = { TARGET_CLICKHOUSE_URL: 'db', TARGET_CLICKHOUSE_DATABASE: name }
    expect(() => config(environment)).toThrow('TARGET_CLICKHOUSE_DATABASE has ')
    expect(() => config({ BACKFILL_NETWORK: name })).toThrow('BACKFILL_NETWORK has ')
  },
)

test.for(['a b', 'a/b', 'a`b', "a'b", '-'])('%j is no name of a database', (name) => {
  expect(() => config({ TARGET_CLICKHOUSE_DATABASE: name })).toThrow("must be a database's name")
  expect(() => config({ BACKFILL_LEDGER_DATABASE: name })).toThrow("must be a database's name")
})

test('a password counts with its blanks and quotes, and a URL that is refused is not shown', () => {
  const environment = { TARGET_CLICKHOUSE_URL: 'db', TARGET_CLICKHOUSE_PASSWORD: ' "a b" ' }
  expect(passwordOf(config(environment))).toBe(' "a b" ')
  expect(() => config({ TARGET_CLICKHOUSE_PASSWORD: 's3cret\r' })).toThrow(
    /PASSWORD has a control character[^:]*$/,
  )
  expect(() => config({ TARGET_CLICKHOUSE_URL: 'http://a:s3cret@db ' })).toThrow(/URL has a blank[^:]*$/)
})

test.for(['p', 'p\n', '\ufeffp\r\n', 'p\r\n\r\n', 'p\n\n'])('the password file %j holds p', (text) => {
  writeFileSync(join(folder, 'secret'), text)
  const environment = { TARGET_CLICKHOUSE_URL: 'db', TARGET_CLICKHOUSE_PASSWORD_FILE: 'secret' }
  expect(passwordOf(config(environment))).toBe('p')
  writeFileSync(join(folder, 'secret'), `${text}\nuser=ann`)
  expect(() => config(environment)).toThrow(
    /secret of TARGET_CLICKHOUSE_PASSWORD_FILE holds more than a password/,
  )
})

test('a password file that is empty, or has what nobody sees, counts as it is, and a warning says so', () => {
  const environment = { TARGET_CLICKHOUSE_URL: 'db', TARGET_CLICKHOUSE_PASSWORD_FILE: 'secret' }
  const warned = (text: string) => {
    writeFileSync(join(folder, 'secret'), text)
    const { warnings, ...found } = config(environment)
    expect(passwordOf({ warnings, ...found })).toBe(text.trimEnd() === '' ? '' : text.replace('\n', ''))
    return warnings
  }
  const file = `${join(folder, 'secret')} of TARGET_CLICKHOUSE_PASSWORD_FILE`
  const odd = 'has a blank at an end, or an invisible character, which is sent as a part of the password'
  expect(warned('\n')).toEqual([`${file} is empty: no password is sent`])
  for (const text of ['p \n', ' p', 'p\u00a0', 'p\u2028', 'p\u200b\n'])
    expect(warned(text)).toEqual([`${file} ${odd}`])
  expect(warned('p w\n')).toEqual([])
})

test.runIf(process.platform !== 'win32')(
  'a password file that is a pipe is read once, for both sides',
  () => {
    execFileSync('mkfifo', [join(folder, 'pipe')])
    spawn('sh', ['-c', 'printf p > "$0"', join(folder, 'pipe')])
    const { servers } = config({ TARGET_CLICKHOUSE_URL: 'db', TARGET_CLICKHOUSE_PASSWORD_FILE: 'pipe' })
    const password = { value: 'p', origin: 'environment TARGET_CLICKHOUSE_PASSWORD_FILE' }
    expect(servers).toMatchObject({ source: { password }, target: { password } })
  },
)

test('a password file in the environment beats a password in .env, and the other way round', () => {
  writeFileSync(join(folder, 'secret'), 'of-the-file')
  const url = 'TARGET_CLICKHOUSE_URL=db\n'
  // The `.env` of somebody else would get no password of the environment.
  const named = { BACKFILL_ENV_FILE: '.env' }
  const file = { ...named, TARGET_CLICKHOUSE_PASSWORD_FILE: 'secret' }
  expect(passwordOf(withDotenv(`${url}TARGET_CLICKHOUSE_PASSWORD=of-env`, file))).toBe('of-the-file')
  const word = { ...named, TARGET_CLICKHOUSE_PASSWORD: 'of-the-environment' }
  expect(passwordOf(withDotenv(`${url}TARGET_CLICKHOUSE_PASSWORD_FILE=secret`, word))).toBe(
    'of-the-environment',
  )
})

test('a variable that nobody reads is warned of, with the nearest name; another program’s is not', () => {
  const environment = {
    BACKFILL_NETWROK: 'sepolia',
    BACKFIL_JOBS: '3',
    BACKEND_URL: 'http://app',
    SORUCE_CLICKHOUSE_URL: 'db',
    TARGET_CLIKHOUSE_USERNAME: 'ann',
    TARGET_CLICKHOUSE_USER: 'ann',
    backfill_lag: '3',
    MY_CLICKHOUSE_URL: 'db',
    BACKFILL_SERVICE_HOST: '10.0.0.1',
    BACKFILL_EMPTY: '',
  }
  expect(config(environment).warnings).toEqual([
    'BACKFILL_NETWROK is not a variable of backfill: did you mean BACKFILL_NETWORK?',
    'BACKFIL_JOBS is not a variable of backfill: did you mean BACKFILL_JOBS?',
    'SORUCE_CLICKHOUSE_URL is not a variable of backfill: did you mean SOURCE_CLICKHOUSE_URL?',
    'TARGET_CLIKHOUSE_USERNAME is not a variable of backfill: did you mean TARGET_CLICKHOUSE_USERNAME?',
    'TARGET_CLICKHOUSE_USER is not a variable of backfill: did you mean TARGET_CLICKHOUSE_USERNAME?',
    'backfill_lag is not a variable of backfill: did you mean BACKFILL_LAG?',
  ])
})

test('names in .env with - or . for _ are warned of, and so is BACKFILL_ENV_FILE, which comes too late there', () => {
  const text =
    'TARGET-CLICKHOUSE-PASSWORD=a\nTARGET.CLICKHOUSE.PASSWORD=b\nBACKFILL-LAG=3\nlog.level=x\nBACKFILL_ENV_FILE=other\n'
  const meant = 'is not a variable of backfill: did you mean'
  expect(withDotenv(text).warnings).toEqual([
    'BACKFILL_ENV_FILE in .env sets nothing: set it in the environment, or use --env-file',
    `TARGET-CLICKHOUSE-PASSWORD ${meant} TARGET_CLICKHOUSE_PASSWORD?`,
    `TARGET.CLICKHOUSE.PASSWORD ${meant} TARGET_CLICKHOUSE_PASSWORD?`,
    `BACKFILL-LAG ${meant} BACKFILL_LAG?`,
  ])
})

test('a URL for the source alone is an error', () => {
  expect(() => config({ SOURCE_CLICKHOUSE_URL: 'db' })).toThrow(
    'SOURCE_CLICKHOUSE_URL is set, but TARGET_CLICKHOUSE_URL is not',
  )
  expect(config({ SOURCE_CLICKHOUSE_URL: 'db', XATU_CLICKHOUSE_URL: 'old' }).servers.kind).toBe('remote')
})

test('a variable of ours that stands twice in .env is refused with its second line; others are not ours to judge', () => {
  expect(() => withDotenv('BACKFILL_LAG=1\n# a\nexport BACKFILL_LAG=2\n')).toThrow(
    /^\.env:3: BACKFILL_LAG is set a second time/,
  )
  expect(parseDotenv('.env', 'OTHER=1\nOTHER=2\n')['OTHER']).toBe('2')
})
