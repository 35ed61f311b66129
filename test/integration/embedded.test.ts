// Owns the promises of the embedded server: who may log in, what survives, and that it never outlives its parent.

import { type ChildProcess, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import {
  cpSync,
  existsSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { afterEach, describe, expect, test } from 'vitest'
import { type EmbeddedServer, startEmbedded } from '../../src/embedded/embedded-server.ts'
import { makeProject, outcome, repository, start, temporaryDirectory } from '../support/launcher-project.ts'

const MEMORY_BYTES = 1_000_000_000
const parentProgram = join(repository, 'test/support/embedded-parent.ts')

const directories: string[] = []
const servers: EmbeddedServer[] = []
const children: ChildProcess[] = []

afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
  for (const server of servers.splice(0)) await server.stop()
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true, force: true })
})

function newDirectory(): string {
  const directory = temporaryDirectory()
  directories.push(directory)
  return directory
}

async function serve(directory: string): Promise<EmbeddedServer> {
  const server = await startEmbedded({ directory, memoryBytes: MEMORY_BYTES })
  servers.push(server)
  return server
}

async function query(server: EmbeddedServer, sql: string): Promise<string> {
  const headers = { 'X-ClickHouse-User': server.username, 'X-ClickHouse-Key': server.password }
  const response = await fetch(server.url, { method: 'POST', headers, body: sql })
  const text = (await response.text()).trim()
  if (!response.ok) throw new Error(text)
  return text
}

describe('who may log in', () => {
  test('nobody without the password of the directory, default included', async () => {
    const server = await serve(newDirectory())
    expect(await query(server, 'SELECT currentUser()')).toBe('backfill')
    const strangers: readonly (readonly [string, string])[] = [
      ['default', ''],
      ['default', 'wrong'],
      ['default', server.password],
      ['backfill', ''],
      ['backfill', 'wrong'],
      ['', ''],
      ['', server.password],
      ['nobody', ''],
    ]
    for (const [user, password] of strangers) {
      const basic = Buffer.from(`${user}:${password}`).toString('base64')
      const ways: readonly HeadersInit[] = [
        { 'X-ClickHouse-User': user, 'X-ClickHouse-Key': password },
        { authorization: `Basic ${basic}` },
      ]
      for (const headers of ways) {
        const response = await fetch(`${server.url}/?query=SELECT+'inside'`, { headers })
        expect([response.ok, user, password]).toEqual([false, user, password])
        expect(await response.text()).not.toContain('inside')
      }
    }
    expect((await fetch(`${server.url}/?query=SELECT+1`)).ok).toBe(false)
  })

  test.runIf(process.platform === 'linux')(
    'it listens on one port of 127.0.0.1 and on nothing else',
    async () => {
      const server = await serve(newDirectory())
      expect(listeners(server.pid)).toEqual([new URL(server.url).host])
    },
  )

  test('two directories have two passwords, and one directory keeps its own', async () => {
    const directory = newDirectory()
    const first = await serve(directory)
    const other = await serve(newDirectory())
    expect(other.password).not.toBe(first.password)
    await first.stop()
    expect((await serve(directory)).password).toBe(first.password)
  })

  test.runIf(process.platform === 'linux')(
    'other people can read none of its files, and its arguments hold no secret',
    async () => {
      const directory = newDirectory()
      const server = await serve(directory)
      await query(server, 'CREATE DATABASE kept')
      await query(server, 'CREATE TABLE kept.t ENGINE = MergeTree ORDER BY n AS SELECT 1 AS n')
      const files = readdirSync(directory, { recursive: true, encoding: 'utf8' })
      expect(files.length).toBeGreaterThan(10)
      for (const file of ['.', ...files])
        expect([file, statSync(join(directory, file)).mode & 0o077]).toEqual([file, 0])
      expect(readFileSync(`/proc/${server.pid}/cmdline`, 'utf8')).not.toContain(server.password)
    },
  )
})

describe('what it keeps', () => {
  test('data survives a stop and kill -9, and the query log works after either', async () => {
    const directory = newDirectory()
    const first = await serve(directory)
    await query(first, 'CREATE DATABASE kept')
    await query(first, 'CREATE TABLE kept.t (n UInt64) ENGINE = MergeTree ORDER BY n')
    await query(first, 'INSERT INTO kept.t SELECT number FROM numbers(100000)')
    await first.stop()

    const second = await serve(directory)
    expect(await query(second, 'SELECT count() FROM kept.t')).toBe('100000')
    await query(second, 'INSERT INTO kept.t SELECT number FROM numbers(100000)')
    process.kill(second.pid, 'SIGKILL')
    await refusal(second.url)

    const third = await serve(directory)
    expect(await query(third, 'SELECT count() FROM kept.t')).toBe('200000')
    await query(third, 'SYSTEM FLUSH LOGS query_log')
    const logged = "SELECT count() FROM system.query_log WHERE type = 'QueryFinish' AND has(tables, 'kept.t')"
    expect(await query(third, logged)).toBe('1')
  })

  test('the query log is there from the first moment', async () => {
    expect(await query(await serve(newDirectory()), 'EXISTS TABLE system.query_log')).toBe('1')
  })

  test('its memory limit is the one that was asked for, and its clock is UTC', async () => {
    const server = await serve(newDirectory())
    const limit = "SELECT value FROM system.server_settings WHERE name = 'max_server_memory_usage'"
    expect(await query(server, limit)).toBe(String(MEMORY_BYTES))
    expect(await query(server, 'SELECT serverTimezone()')).toBe('UTC')
  })
})

describe('one server at a time', () => {
  test('a second one on the directory of a running server is told so, and the first goes on', async () => {
    const directory = newDirectory()
    const first = await serve(directory)
    await expect(serve(directory)).rejects.toMatchObject({
      kind: 'locked',
      message: expect.stringContaining(directory),
    })
    expect(await query(first, 'SELECT 1')).toBe('1')
  })

  test('of two that start at once in a new directory one wins', async () => {
    const directory = newDirectory()
    const results = await Promise.allSettled([runParent(directory), runParent(directory)])
    expect(results.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected'])
    const loser = results.find((result) => result.status === 'rejected')
    expect(String(loser?.reason)).toContain("kind: 'locked'")
  })
})

describe('it never outlives its parent', () => {
  const ways: readonly (readonly [string, (directory: string) => Promise<Parent>])[] = [
    ['a parent under Node', (directory) => runParent(directory)],
    [
      'a parent under Deno',
      (directory) => runParent(directory, ['deno', 'run', '--allow-all', parentProgram]),
    ],
    ['the launcher', (directory) => runParent(directory, launcherCommand())],
    ['npm', (directory) => runParent(directory, npmCommand())],
  ]
  test.for(ways)('kill -9 of %s closes the port within two seconds', async ([, run]) => {
    const { url, victim } = await run(newDirectory())
    expect((await fetch(`${url}/ping`)).ok).toBe(true)
    const before = performance.now()
    process.kill(victim, 'SIGKILL')
    await refusal(url)
    expect(performance.now() - before).toBeLessThan(2000)
  })

  test('kill -9 of the test runner closes the port within two seconds', async () => {
    const root = newDirectory()
    const serverModule = pathToFileURL(join(repository, 'src/embedded/embedded-server.ts')).href
    writeFileSync(
      join(root, 'serves.test.ts'),
      `import { writeFileSync, renameSync } from 'node:fs'
      test('serves', { timeout: 60_000 }, async () => {
        const { startEmbedded } = await import(${JSON.stringify(serverModule)})
        const { url } = await startEmbedded({ directory: './state', memoryBytes: ${MEMORY_BYTES} })
        writeFileSync('url.draft', url)
        renameSync('url.draft', 'url')
        await new Promise(() => {})
      })`,
    )
    const vitest = join(repository, 'node_modules/vitest/vitest.mjs')
    const runner = start(process.execPath, [vitest, 'run', '--globals', '--root', root], {
      cwd: root,
      stdio: 'ignore',
    })
    children.push(runner)
    while (!existsSync(join(root, 'url'))) await sleep(50)
    const before = performance.now()
    runner.kill('SIGKILL')
    await refusal(readFileSync(join(root, 'url'), 'utf8'))
    expect(performance.now() - before).toBeLessThan(2000)
  })

  test('it does not keep a process alive that has nothing else to do', async () => {
    const directory = newDirectory()
    const module = pathToFileURL(join(repository, 'src/embedded/embedded-server.ts')).href
    const program = `const { startEmbedded } = await import('${module}')
      console.log((await startEmbedded({ directory: '${directory}' })).url)`
    const ended = await outcome(start(process.execPath, ['--input-type=module', '--eval', program]))
    expect(ended).toMatchObject({ code: 0, stdout: expect.stringMatching(/^http/) })
    await refusal(ended.stdout.trim())
  })

  test('Ctrl-C, which reaches the whole group, leaves it running for its parent', async () => {
    const server = await serve(newDirectory())
    process.kill(server.pid, 'SIGINT')
    await sleep(200)
    expect(await query(server, 'SELECT 1')).toBe('1')
  })
})

describe('what it says when it cannot start', () => {
  const start = `import { startEmbedded } from './src/embedded/embedded-server.ts'
    await startEmbedded({ directory: './state' }).catch((error) => console.log(JSON.stringify({ ...error, message: error.message })))`

  test('without chdb and ffi-rs it names the line that installs them', async () => {
    const root = newDirectory()
    for (const folder of ['src/embedded', 'src/runner'])
      cpSync(join(repository, folder), join(root, folder), { recursive: true })
    writeFileSync(join(root, 'start.mts'), start)
    const { stdout, stderr } = spawnSync(process.execPath, ['start.mts'], { cwd: root, encoding: 'utf8' })
    expect(stderr).toBe('')
    expect(JSON.parse(stdout)).toMatchObject({ kind: 'usage', hint: 'npm install chdb ffi-rs' })
  })

  test('a library that is not where CHDB_LIBCHDB_PATH says is named', async () => {
    const env = { ...process.env, CHDB_LIBCHDB_PATH: '/nowhere/libchdb.so' }
    const args = [parentProgram, newDirectory()]
    const { stderr } = spawnSync(process.execPath, args, { env, encoding: 'utf8' })
    expect(stderr).toContain("kind: 'usage'")
    expect(stderr).toContain("'/nowhere/libchdb.so'")
  })

  test("the engine's own words are passed on", async () => {
    const directory = newDirectory()
    writeFileSync(join(directory, 'data'), 'in the way')
    await expect(serve(directory)).rejects.toMatchObject({
      kind: 'server',
      message: expect.stringMatching(/Exception|rror/),
    })
  })
})

type Parent = { readonly url: string; readonly victim: number }

/** Runs test/support/embedded-parent.ts in some way and waits for its server; `victim` is the process to kill. */
async function runParent(
  directory: string,
  command: readonly string[] = [process.execPath, parentProgram],
): Promise<Parent> {
  const [program = '', ...args] = command
  const child = start(program, [...args, directory], { cwd: repository })
  children.push(child)
  const ended = outcome(child)
  const ready = once(child.stdout!, 'data').then(
    ([text]) => JSON.parse(String(text).split('\n').at(-2) ?? '') as { url: string },
  )
  const first = await Promise.race([ready, ended])
  if ('stderr' in first) throw new Error(first.stderr)
  return { url: first.url, victim: child.pid ?? 0 }
}

function launcherCommand(): readonly string[] {
  const root = makeProject()
  directories.push(root)
  return [process.execPath, join(root, 'scripts/with-deps.mjs'), parentProgram]
}

function npmCommand(): readonly string[] {
  const root = makeProject({ scripts: { serve: `node scripts/with-deps.mjs ${parentProgram}` } })
  directories.push(root)
  return ['npm', '--prefix', root, 'run', '--silent', 'serve', '--']
}

/** Resolves when nobody listens any more. */
async function refusal(url: string): Promise<void> {
  while (
    await fetch(`${url}/ping`).then(
      () => true,
      () => false,
    )
  )
    await sleep(20)
}

/** `address:port` of every TCP socket that a process listens on. */
function listeners(pid: number): readonly string[] {
  const fds = readdirSync(`/proc/${pid}/fd`).map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`))
  return ['tcp', 'tcp6'].flatMap((table) =>
    readFileSync(`/proc/${pid}/net/${table}`, 'utf8')
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
      .filter(([, , , state, , , , , , inode]) => state === '0A' && fds.includes(`socket:[${inode}]`))
      .map(([, local = '']) => readable(local)),
  )
}

/** `0100007F:1F90` is 127.0.0.1:8080: the address is little-endian. */
function readable(local: string): string {
  const [address = '', port = ''] = local.split(':')
  const bytes = (address.match(/../g) ?? []).map((byte) => Number.parseInt(byte, 16)).toReversed()
  return `${bytes.join('.')}:${Number.parseInt(port, 16)}`
}
