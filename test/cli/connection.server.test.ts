// Owns the promises to a person whose server cannot be reached or does not let them in, and where settings come from.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { writeFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { readCatalogue } from '../../src/project/sql-folder.ts'
import { backfill, backfillHere, environmentFor, expectOneMessage, MAIN, NOWHERE } from '../support/cli.ts'
import { temporaryDirectory } from '../support/processes.ts'
import { startTestServer, type TestServer, uniqueDatabase } from '../support/server.ts'
import { addBlocks, createSourceTables } from '../support/small-chain.ts'
import { SQL_FOLDER } from '../support/workspace.ts'

let server: TestServer
const databases = {
  source: uniqueDatabase('source'),
  target: uniqueDatabase('target'),
  ledger: uniqueDatabase('ledger'),
}
beforeAll(async () => {
  server = await startTestServer()
  await createSourceTables(server, await readCatalogue(SQL_FOLDER), databases.source)
  await addBlocks(server, databases.source, { from: 1, to: 5 })
})
afterAll(() => server?.stop())

const environment = () => environmentFor(server, databases)
const host = () => new URL(server.url).host

test.for(['up --json', 'status', 'info'])(
  '`%s` with a wrong password names user and side, not the password',
  async (words) => {
    const env = { ...environment(), TARGET_CLICKHOUSE_PASSWORD: 'wr0ng-s3cret' }
    const { code, stdout, stderr } = await backfillHere(words.split(' '), { env })
    expect(code).toBe(6)
    const [message = '', hint = ''] = stderr.split('\n')
    expect(message).toContain(
      `backfill: ClickHouse (target ${server.url}) refuses user '${server.username}': `,
    )
    expect(hint).toContain('Check TARGET_CLICKHOUSE_USERNAME and _PASSWORD')
    expect(stdout + stderr).not.toContain('s3cret')
  },
)

test('a wrong password of the source alone names the source', async () => {
  const env = {
    ...environment(),
    SOURCE_CLICKHOUSE_URL: server.url,
    SOURCE_CLICKHOUSE_USERNAME: 'nobody',
    SOURCE_CLICKHOUSE_PASSWORD: 'wr0ng-s3cret',
  }
  const ended = await backfillHere(['status'], { env })
  expect(ended.code).toBe(6)
  expect(expectOneMessage(ended)).toContain(`ClickHouse (source ${server.url}) refuses user 'nobody'`)
  expect(ended.stderr).not.toContain('s3cret')
})

test('a server that is down is named with its side', async () => {
  const ended = await backfillHere(['up'], { env: NOWHERE })
  expect(ended.code).toBe(6)
  expect(expectOneMessage(ended)).toMatch(
    /^backfill: cannot reach ClickHouse \(target http:\/\/127\.0\.0\.1:1\).*ECONNREFUSED/,
  )
})

test.for([
  { url: 'localhost:1', advice: 'In a container, localhost is the container itself.' },
  { url: '127.0.0.1:1', advice: 'In a container, 127.0.0.1 is the container itself.' },
  { url: 'nowhere.invalid:8123', advice: 'Check TARGET_CLICKHOUSE_URL and that the server is up' },
])('in the image, where $url does not answer: $advice', async ({ url, advice }) => {
  const ended = await backfill(['status'], { env: { TARGET_CLICKHOUSE_URL: url, BACKFILL_IMAGE: 'yes' } })
  expect(ended.code).toBe(6)
  expect(ended.stderr).toContain(`\n  ${advice}`)
})

test('a host that nobody knows is named', async () => {
  const ended = await backfillHere(['up'], { env: { TARGET_CLICKHOUSE_URL: 'nowhere.invalid:8123' } })
  expect(ended.code).toBe(6)
  expect(expectOneMessage(ended)).toContain('http://nowhere.invalid:8123')
})

test('https on a plain port is one message', async () => {
  const ended = await backfillHere(['status'], {
    env: { ...environment(), TARGET_CLICKHOUSE_URL: `https://${host()}` },
  })
  expect(ended.code).toBe(6)
  expect(expectOneMessage(ended)).toMatch(
    /^backfill: ClickHouse \(target https:\/\/\S+\) does not speak TLS at this port: write EPROTO [a-z ]+$/,
  )
})

test.for([
  { status: 404, body: '<html><h1>Not found</h1></html>' },
  { status: 200, body: '<html>' },
  { status: 400, body: 'Port 9000 is for clickhouse-client program\nYou must use port 8123 for HTTP.' },
  { status: 200, body: '' },
  { status: 200, body: '{"hello":"world"}' },
])(
  'a live server that is no ClickHouse and says $status, $body, is one message',
  async ({ status, body }) => {
    const ended = await backfillHere(['status'], {
      env: { TARGET_CLICKHOUSE_URL: await strangerSaying(status, body) },
    })
    expect(ended.code).toBe(6)
    expect(expectOneMessage(ended)).toMatch(
      /^backfill: the server at target http:\/\/127\.0\.0\.1:\d+ is not the HTTP interface of ClickHouse/,
    )
    expect(ended.stderr).not.toMatch(/defect|undefined|<h/)
  },
)

test('a password file that is missing is one message', async () => {
  const { TARGET_CLICKHOUSE_PASSWORD: _, ...env } = environment()
  const ended = await backfillHere(['up'], { env: { ...env, TARGET_CLICKHOUSE_PASSWORD_FILE: 'pw' } })
  expect(ended.code).toBe(2)
  expect(expectOneMessage(ended)).toMatch(
    /cannot read the password file \/.*\/pw of TARGET_CLICKHOUSE_PASSWORD_FILE: ENOENT/,
  )
})

test('a password file is read, its last newline is not the password', async () => {
  const { TARGET_CLICKHOUSE_PASSWORD: password, ...env } = environment()
  const cwd = temporaryDirectory()
  writeFileSync(join(cwd, 'pw'), `${password}\n`)
  const ended = await backfillHere(['status'], {
    cwd,
    env: { ...env, TARGET_CLICKHOUSE_PASSWORD_FILE: 'pw' },
  })
  expect(ended).toMatchObject({ code: 0, stderr: '' })
})

test('a URL with credentials works and is masked', async () => {
  const {
    TARGET_CLICKHOUSE_URL: _url,
    TARGET_CLICKHOUSE_USERNAME: _user,
    TARGET_CLICKHOUSE_PASSWORD: _,
    ...env
  } = environment()
  const url = `http://${server.username}:${encodeURIComponent(server.password)}@${host()}`
  const { code, stdout, stderr } = await backfillHere(['info'], {
    env: { ...env, TARGET_CLICKHOUSE_URL: url },
  })
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(stdout).toMatch(new RegExp(`^target +http://${host()} +environment TARGET_CLICKHOUSE_URL$`, 'm'))
  expect(stdout).toMatch(/^target password +\*\*\* +environment TARGET_CLICKHOUSE_URL$/m)
  expect(stdout).not.toContain(server.password)
})

test('the old XATU_CLICKHOUSE_* work for both sides, with a warning', async () => {
  const ended = await backfillHere(['status', '--tables', 'block_slots_stat'], {
    env: {
      XATU_CLICKHOUSE_URL: host(),
      XATU_CLICKHOUSE_USERNAME: server.username,
      XATU_CLICKHOUSE_PASSWORD: server.password,
      XATU_CLICKHOUSE_PROTOCOL: 'http',
      SOURCE_CLICKHOUSE_DATABASE: databases.source,
    },
  })
  expect(ended.code).toBe(0)
  expect(ended.stderr).toMatch(/^warning: XATU_CLICKHOUSE_\* is the old name: .+\n$/)
  expect(ended.stdout).toContain('block_slots_stat')
})

test('`.env` is read, the environment beats it, and a flag beats both; `info` says which', async () => {
  const cwd = temporaryDirectory()
  const env = environment()
  const lines = { ...env, BACKFILL_LAG: '7', BACKFILL_JOBS: '3', BACKFILL_CHUNK: '11' }
  writeFileSync(
    join(cwd, '.env'),
    Object.entries(lines)
      .map(([name, value]) => `${name}="${value}"\n`)
      .join(''),
  )
  const ended = await backfillHere(['info', '--chunk', '13'], {
    cwd,
    env: { BACKFILL_JOBS: '4', BACKFILL_CHUNK: '12' },
  })
  expect(ended).toMatchObject({ code: 0, stderr: 'Settings of .env count.\n' })
  expect(ended.stdout).toMatch(/^lag +7 +\.env BACKFILL_LAG$/m)
  expect(ended.stdout).toMatch(/^jobs +4 +environment BACKFILL_JOBS$/m)
  expect(ended.stdout).toMatch(/^chunk +13 +flag --chunk$/m)
  expect(ended.stdout).toMatch(new RegExp(`^target +${server.url} +\\.env TARGET_CLICKHOUSE_URL$`, 'm'))
  expect(ended.stdout).not.toContain(server.password)
})

test.for([
  'create-tables --all',
  'run --all --lag 0 --json',
  'up --lag 0',
  'plan --json',
  'status --json',
  'info',
])('`%s` prints no password', async (words) => {
  const { code, stdout, stderr } = await backfillHere(words.split(' '), { env: environment() })
  expect(code, stderr).toBe(0)
  expect(stdout).not.toBe('')
  expect(stdout + stderr).not.toContain(server.password)
})

test('a failure whose message holds the password is masked, in JSON too', async () => {
  const cwd = temporaryDirectory()
  // A leading `-` would be no part of the name: it leaves a table out.
  const tables = `x${server.password},address_diffs`
  for (const argv of [
    ['up', '--json', '--tables', tables],
    ['status', '--tables', tables],
  ]) {
    const { code, stdout, stderr } = await backfillHere(argv, { cwd, env: environment() })
    expect(code).toBe(2)
    expect(stderr).toContain("'x***'")
    expect(stdout + stderr).not.toContain(server.password)
  }
})

async function strangerSaying(status: number, body: string): Promise<string> {
  const stranger = createServer((_, response) => response.writeHead(status).end(body)).listen(0, '127.0.0.1')
  onTestFinished(() => {
    stranger.closeAllConnections()
    stranger.close()
  })
  await new Promise((listening) => stranger.once('listening', listening))
  return `127.0.0.1:${(stranger.address() as AddressInfo).port}`
}

test.runIf(process.platform !== 'win32')(
  'a password that comes through a pipe is the password for each of several networks',
  async () => {
    const { TARGET_CLICKHOUSE_PASSWORD: secret, TARGET_CLICKHOUSE_DATABASE: _, ...env } = environment()
    const words = `"${process.execPath}" "${MAIN}" status block_slots_stat --network mainnet,sepolia`
    const script = `TARGET_CLICKHOUSE_PASSWORD_FILE=<(printf %s "$SECRET") ${words}`
    const ended = await backfill(['-c', script], { env: { ...env, SECRET: secret! }, command: ['bash'] })
    expect(ended).toMatchObject({ code: 0, stderr: '' })
    expect(ended.stdout).toMatch(/network mainnet.*network sepolia/s)
  },
)
