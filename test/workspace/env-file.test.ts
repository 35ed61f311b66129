// Owns the promises of which `.env` counts, and that one which was merely found cannot draw a password to its server.
import { execFileSync } from 'node:child_process'
import { chownSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { readConfig } from '../../src/workspace/config.ts'
import { typedWords } from '../../src/workspace/values.ts'
import { temporaryDirectory } from '../support/processes.ts'

const URL_LINE = 'TARGET_CLICKHOUSE_URL=theirs:8123\n'
const password = { TARGET_CLICKHOUSE_PASSWORD: 'mine' }

function place(text = URL_LINE) {
  const folder = temporaryDirectory()
  writeFileSync(join(folder, '.env'), text)
  return (environment: Record<string, string>, flags: Record<string, string> = {}, below = '') =>
    readConfig({ flags: typedWords(flags), environment, folder: join(folder, below) })
}

test('a found .env that names the server gets no password of the environment, nor of a file that it names', () => {
  const found = place()
  expect(() => found(password)).toThrow(
    /names the server, but the password is that of TARGET_CLICKHOUSE_PASSWORD/,
  )
  const file = join(found({}).folder, 'password')
  writeFileSync(file, 'mine')
  expect(() => found({ TARGET_CLICKHOUSE_PASSWORD_FILE: file })).toThrow(
    /is that of TARGET_CLICKHOUSE_PASSWORD_FILE/,
  )
  expect(found({}).servers.kind).toBe('remote')
})

test('both ways out work: the file is named, or the environment names the server', () => {
  const found = place()
  for (const named of [
    found(password, { 'env-file': '.env' }),
    found({ ...password, BACKFILL_ENV_FILE: '.env' }),
  ])
    expect(JSON.stringify(named.servers)).toContain('http://theirs:8123')
  expect(JSON.stringify(found({ ...password, TARGET_CLICKHOUSE_URL: 'ours' }).servers)).toContain(
    'http://ours:8123',
  )
})

test('a .env may name server and password together', () => {
  const { servers } = place(`${URL_LINE}TARGET_CLICKHOUSE_PASSWORD=theirs\n`)({})
  expect(JSON.stringify(servers)).toContain('theirs')
})

test('a found .env that names the server gets no password file from outside of its folder, not by a link either', () => {
  const found = place(`${URL_LINE}TARGET_CLICKHOUSE_PASSWORD_FILE=token\n`)
  const elsewhere = join(temporaryDirectory(), 'token')
  writeFileSync(elsewhere, 'mine')
  const folder = join(elsewhere, '..', 'clone')
  mkdirSync(folder)
  symlinkSync(elsewhere, join(folder, 'link'))
  for (const file of [elsewhere, 'link']) {
    writeFileSync(join(folder, '.env'), `${URL_LINE}TARGET_CLICKHOUSE_PASSWORD_FILE=${file}\n`)
    const read = (environment: Record<string, string>) =>
      readConfig({ flags: typedWords({}), environment, folder })
    expect(() => read({})).toThrow(/names the server, but the password is in .*, outside of its folder/)
    expect(JSON.stringify(read({ TARGET_CLICKHOUSE_URL: 'ours' }).servers)).toContain('mine')
    expect(JSON.stringify(read({ BACKFILL_ENV_FILE: '.env' }).servers)).toContain('mine')
  }
  expect(() => found({})).toThrow(/cannot read the password file/)
})

test('a found .env has no files written outside of its folder, not by a link either', () => {
  const elsewhere = temporaryDirectory()
  for (const state of [join(elsewhere, 'state'), '../state', 'link/state']) {
    const found = place(`BACKFILL_STATE=${state}\n`)
    const { folder } = found({ BACKFILL_STATE: 'state' })
    symlinkSync(elsewhere, join(folder, 'link'))
    expect(() => found({}), state).toThrow(/was found, and its BACKFILL_STATE is .*, outside of its folder/)
    expect(found({ BACKFILL_ENV_FILE: '.env' }).state.origin).toBe('.env BACKFILL_STATE')
  }
  expect(place('BACKFILL_STATE=below/state\n')({}).state.value).toContain('/below/state')
})

test('a .env is looked for upwards within a repository, and outside of one in the working folder alone', () => {
  const found = place()
  const { folder } = found({})
  mkdirSync(join(folder, 'below'))
  expect(found({}, {}, 'below').envFile).toBeUndefined()
  mkdirSync(join(folder, '.git'))
  expect(found({}, {}, 'below').envFile).toBe('../.env')
  mkdirSync(join(folder, 'below/.git'))
  expect(found({}, {}, 'below').envFile).toBeUndefined()
})

test('a named file that does not exist is an error', () => {
  expect(() => place()({}, { 'env-file': 'no.env' })).toThrow(/no\.env of --env-file does not exist/)
})

test.runIf(process.platform !== 'win32')(
  'a found .env that is a link to nothing or to itself is refused: in silence the defaults would count',
  () => {
    for (const leadsTo of ['nothing', '.env']) {
      const folder = temporaryDirectory()
      symlinkSync(leadsTo, join(folder, '.env'))
      const read = () => readConfig({ flags: typedWords({}), environment: {}, folder })
      expect(read).toThrow(/\.env is a link that leads to no file that can be read \((ENOENT|ELOOP)\)/)
    }
  },
)

test.runIf(process.platform !== 'win32')(
  'a found .env that is a pipe is refused at once, and so is a link to one',
  () => {
    const folder = temporaryDirectory()
    execFileSync('mkfifo', [join(folder, 'pipe')])
    symlinkSync('pipe', join(folder, '.env'))
    const read = () => readConfig({ flags: typedWords({}), environment: {}, folder })
    expect(read).toThrow(/\.env is a pipe/)
  },
)

test.runIf(process.platform !== 'win32')(
  'a pipe of --env-file is refused, since Node has read it before: in silence the defaults would count',
  () => {
    const folder = temporaryDirectory()
    execFileSync('mkfifo', [join(folder, 'pipe')])
    const read = () => readConfig({ flags: typedWords({ 'env-file': 'pipe' }), environment: {}, folder })
    expect(read).toThrow(/pipe of --env-file is a pipe/)
  },
)

test.runIf(process.getuid?.() === 0)('a link of ours to a file of another user is refused', () => {
  const folder = temporaryDirectory()
  writeFileSync(join(folder, 'theirs'), URL_LINE)
  chownSync(join(folder, 'theirs'), 12345, 12345)
  symlinkSync('theirs', join(folder, '.env'))
  const read = () => readConfig({ flags: typedWords({}), environment: {}, folder })
  expect(read).toThrow(/\.env belongs to another user \(12345\)/)
})
