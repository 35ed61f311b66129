// Owns what a torture round stands on: servers that can be killed and come back, behind a proxy and thin lines, and
// runners that are processes of their own.
import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type EmbeddedServer, startEmbedded } from '../../src/embedded/embedded-server.ts'
import { type Proxy, startProxy } from '../support/proxy.ts'
import type { Databases } from '../support/audit.ts'
import { post, type TestServer } from '../support/server.ts'
import { startThrottle, type Throttle } from '../support/throttle.ts'

export type Login = Pick<TestServer, 'url' | 'username' | 'password'>

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url))

export type Ground = {
  readonly proxy: Proxy
  /** The server as it is now; its port changes when it comes back. */
  server(): Login
  /** SIGKILL; it comes back after `awayMs`. */
  killServer(awayMs: number): Promise<void>
  /** A thin line to the server, on which streams take seconds. */
  readonly line: Throttle
  /** A second server, for rounds that have the sources elsewhere. */
  readonly source: Pick<Ground, 'server' | 'killServer' | 'line'>
  close(): Promise<void>
}

/** Of a line to a server: what crosses in a chunk takes a second or two. */
const BYTES_PER_SECOND = 200_000

export async function openGround(directory: string): Promise<Ground> {
  const [target, source] = await Promise.all(
    ['target', 'source'].map((side) => openSide(join(directory, side))),
  )
  if (target === undefined || source === undefined) throw new Error('two sides were asked for')
  const proxy = await startProxy(target.server().url)
  return {
    ...target,
    proxy,
    source,
    async killServer(awayMs) {
      await target.killServer(awayMs, () => proxy.cut())
      proxy.retarget(target.server().url)
    },
    async close() {
      await proxy.close()
      await Promise.all([target.close(), source.close()])
    },
  }
}

async function openSide(directory: string) {
  const start = (): Promise<EmbeddedServer> => startEmbedded({ directory, memoryBytes: 2_500_000_000 })
  let server = await start()
  const line = await startThrottle(server.url, BYTES_PER_SECOND)
  return {
    line,
    server: () => server,
    async killServer(awayMs: number, whenDead: () => void = () => {}) {
      await server.stop()
      line.cut()
      whenDead()
      await new Promise((passed) => setTimeout(passed, awayMs))
      server = await start()
      line.retarget(server.url)
    },
    async close() {
      await line.close()
      await server.stop()
    },
  }
}

export type Runner = {
  readonly child: ChildProcess
  /** Exit code (null: killed) and what it said on stderr. */
  readonly ended: Promise<{ readonly code: number | null; readonly said: string }>
}

export type RunnerOptions = {
  readonly words: readonly string[]
  readonly login: Login
  /** Where the sources are, if not there. */
  readonly source: Login | undefined
  readonly databases: Databases
  /** How far its clock is off, in ms. */
  readonly clock?: number
}

const alive = new Set<ChildProcess>()

/** Kills what a round that threw has left, the stopped ones too. */
export function killRunners(): void {
  for (const child of alive) child.kill('SIGKILL')
}

export function startRunner({ words, login, source, databases, clock = 0 }: RunnerOptions): Runner {
  const child = spawn(process.execPath, [...skewed(clock), MAIN, ...words], {
    env: {
      PATH: process.env['PATH'],
      TARGET_CLICKHOUSE_URL: login.url,
      TARGET_CLICKHOUSE_USERNAME: login.username,
      TARGET_CLICKHOUSE_PASSWORD: login.password,
      ...(source && {
        SOURCE_CLICKHOUSE_URL: source.url,
        SOURCE_CLICKHOUSE_USERNAME: source.username,
        SOURCE_CLICKHOUSE_PASSWORD: source.password,
      }),
      SOURCE_CLICKHOUSE_DATABASE: databases.source,
      TARGET_CLICKHOUSE_DATABASE: databases.target,
      BACKFILL_LEDGER_DATABASE: databases.ledger,
    },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let said = ''
  alive.add(child)
  child.once('close', () => alive.delete(child))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text))
  const ended = new Promise<{ code: number | null; said: string }>((resolve) =>
    child.once('close', (code) => resolve({ code, said })),
  )
  return { child, ended }
}

/** Node's words for a clock that is off by so much. */
function skewed(ms: number): readonly string[] {
  if (ms === 0) return []
  const program = `const Real = Date
    globalThis.Date = class extends Real {
      constructor(...parts) { parts.length === 0 ? super(Real.now() + ${ms}) : super(...parts) }
      static now() { return Real.now() + ${ms} }
    }`
  return ['--import', `data:text/javascript,${encodeURIComponent(program)}`]
}

/** Drops what the databases of a round hold, on both servers. */
export async function dropAll(ground: Ground, all: readonly Databases[]): Promise<void> {
  const names = new Set(
    all.flatMap(({ source, target, ledger }) => [source, target, ledger, `${ledger}_locks`]),
  )
  for (const server of [ground.server(), ground.source.server()])
    for (const name of names) await post(server, 'DROP DATABASE IF EXISTS {name:Identifier} SYNC', { name })
}
