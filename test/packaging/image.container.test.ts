// Owns what the image of the Dockerfile promises. BACKFILL_TEST_OWN_IMAGE names it; with the tag `embedded` it has the
// embedded server. Docker's words, whatever the engine.
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { namesFor } from '../../src/clickhouse/connection.ts'
import { environmentFor } from '../support/cli.ts'
import { catalogue, connect } from '../support/clickhouse.ts'
import { KEY, openRunner, silent } from '../support/locks.ts'
import { type Outcome, outcome, start } from '../support/processes.ts'
import { startTestServer, uniqueDatabase } from '../support/server.ts'
import { addBlocks, createSourceTables } from '../support/small-chain.ts'

const IMAGE = process.env['BACKFILL_TEST_OWN_IMAGE'] ?? ''
const EMBEDDED = `${IMAGE}:embedded`

const docker = (...words: readonly string[]): Promise<Outcome> => outcome(start('docker', words))
const run = (...words: readonly string[]) => docker('run', '--rm', ...words)
const flagsOf = (env: Readonly<Record<string, string>>) =>
  Object.entries(env).flatMap(([name, value]) => ['--env', `${name}=${value}`])

/** A folder of this host, of root and closed to everybody else, with a file in it. */
function foreignFolder(file: string, content: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'backfill-image-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  writeFileSync(join(folder, file), content)
  chmodSync(join(folder, file), 0o600)
  return folder
}

test('it is the program, and runs as user 1000', async () => {
  expect(await run(IMAGE, '--version')).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^backfill \d+\.\d+\.\d+\n$/),
  })
  expect(await run('--entrypoint', 'id', IMAGE, '-u')).toMatchObject({ code: 0, stdout: '1000\n' })
})

test('the demo runs in the embedded image, and a volume keeps its state', async () => {
  const volume = uniqueDatabase('backfill_state')
  onTestFinished(async () => void (await docker('volume', 'rm', volume)))
  const demo = () => run('--volume', `${volume}:/work/state`, EMBEDDED, 'demo')
  const first = await demo()
  expect(first.code, first.stderr).toBe(0)
  expect(first.stdout).toContain('100.0 %')
  const second = await demo()
  expect(second.code, second.stderr).toBe(0)
  expect(second.stdout + second.stderr).toContain('Nothing to do')
})

test('a state folder that its user may not write to is refused, and the user is named', async () => {
  const folder = foreignFolder('file', '')
  const { code, stderr } = await run('--volume', `${folder}:/work/state`, EMBEDDED, 'demo')
  expect(stderr).toContain(
    "\nbackfill: The embedded ClickHouse cannot use the directory '/work/state/embedded': EACCES: permission denied",
  )
  expect(stderr).toContain('  Make it a directory of user id 1000, or name another one: --state <folder>\n')
  expect(code).toBe(2)
})

test('without the embedded server it does not advise to install packages', async () => {
  const { code, stderr } = await run(IMAGE, 'demo')
  expect(stderr).toContain('\nbackfill: The embedded ClickHouse is not in this image\n')
  expect(stderr).not.toContain('npm')
  expect(code).toBe(2)
})

test('a server on localhost that does not answer: it says that this is the container itself', async () => {
  const { code, stderr } = await run('--env', 'TARGET_CLICKHOUSE_URL=localhost:8123', IMAGE, 'status')
  expect(stderr).toContain('In a container, localhost is the container itself.')
  expect(code).toBe(6)
})

test('a secret that its user may not read: it says who must be able to', async () => {
  const folder = foreignFolder('password', 's3cret\n')
  const server = { TARGET_CLICKHOUSE_URL: 'db', TARGET_CLICKHOUSE_PASSWORD_FILE: '/run/secrets/password' }
  const mounted = ['--volume', `${join(folder, 'password')}:/run/secrets/password:ro`, ...flagsOf(server)]
  const { code, stderr } = await run(...mounted, IMAGE, 'status')
  expect(stderr)
    .toBe(`backfill: cannot read the password file /run/secrets/password of TARGET_CLICKHOUSE_PASSWORD_FILE: EACCES
  let user id 1000 read it: a file mounted into a container keeps its owner and mode
`)
  expect(code).toBe(2)
})

test('a runner in a container does not take the lock of a living one outside it that has the same host name', async () => {
  const server = await startTestServer()
  onTestFinished(() => server.stop())
  const connection = await connect(server)
  onTestFinished(() => connection.close())
  const databases = {
    source: uniqueDatabase('source'),
    target: uniqueDatabase('target'),
    ledger: uniqueDatabase('ledger'),
  }
  await createSourceTables(server, catalogue, databases.source)
  await addBlocks(server, databases.source, { from: 1, to: 10 })
  const place = ['--network', 'host', '--hostname', hostname(), '--env', 'BACKFILL_LAG=0']
  const up = () => run(...place, ...flagsOf(environmentFor(server, databases)), IMAGE, 'up', '--tables', KEY)
  const first = await up()
  expect(first.code, first.stderr).toBe(0)
  await addBlocks(server, databases.source, { from: 11, to: 20 })
  const { locks } = await openRunner(connection, namesFor(databases.ledger))
  const lock = await locks.acquire(KEY, silent)
  const refused = await up()
  expect(refused.stderr).toContain(`is locked by process ${process.pid} on ${hostname()} `)
  expect(refused.code).toBe(5)
  await lock.release()
  expect((await up()).code).toBe(0)
})
