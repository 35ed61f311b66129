// Owns the ClickHouse server of a test file: the embedded one, or an image named by BACKFILL_TEST_IMAGE. The files of one
// worker hand an embedded server on to each other, emptied.
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ClickHouseContainer, StartedClickHouseContainer } from '@testcontainers/clickhouse'
import { startEmbedded } from '../../src/embedded/embedded-server.ts'

export type TestServer = {
  readonly url: string
  readonly username: string
  readonly password: string
  /** Empties the server for the next file, or ends it. Nothing that this file made is left. */
  stop(): Promise<void>
}

const MEMORY_BYTES = 3_000_000_000

/** Embedded servers of this worker that no test uses now. */
const idle: TestServer[] = []

// vitest ends its workers so. Servers would end by themselves, but then nobody counts the CPU time that they took.
if (process.env['VITEST_POOL_ID'] !== undefined)
  process.once('SIGTERM', () => {
    void Promise.allSettled(idle.map((server) => server.stop())).then(() =>
      process.kill(process.pid, 'SIGTERM'),
    )
  })

/**
 * A server without tables; call it in `beforeAll` and `stop` in `afterAll`. Its query log may hold statements of earlier
 * files: ask for a database, or for a time.
 */
export async function startTestServer(): Promise<TestServer> {
  const image = process.env['BACKFILL_TEST_IMAGE']
  if (image) return await startContainer(image)
  const server = idle.pop() ?? (await startInTemporaryDirectory())
  const stop = async () => {
    try {
      await empty(server)
      idle.push(server)
    } catch (error) {
      console.warn('a test server cannot be emptied; the next file gets a new one:', error)
      await server.stop()
    }
  }
  return { ...server, stop }
}

/** Ends what still runs there, and drops all databases. */
async function empty(server: TestServer): Promise<void> {
  await post(server, 'KILL QUERY WHERE user = currentUser() SYNC FORMAT Null')
  await post(server, 'SYSTEM START MERGES')
  const made = await rowsOf<{ kind: string; name: string }>(
    server,
    `SELECT 'DATABASE' AS kind, name FROM system.databases WHERE lower(name) NOT IN ('system', 'information_schema', 'default')
    UNION ALL SELECT 'TABLE' AS kind, name FROM system.tables WHERE database = 'default'`,
  )
  for (const { kind, name } of made) await post(server, `DROP ${kind} {name:Identifier}`, { name })
}

/** A database name that no other test has: `prefix_1a2b3c4d`. */
export function uniqueDatabase(prefix: string): string {
  return `${prefix}_${randomBytes(4).toString('hex')}`
}

async function startInTemporaryDirectory(): Promise<TestServer> {
  const directory = await mkdtemp(join(tmpdir(), 'backfill-test-'))
  const removeDirectory = () => rm(directory, { recursive: true, force: true })
  try {
    const server = await startEmbedded({ directory, memoryBytes: MEMORY_BYTES, isAdmin: true })
    const { url, username, password } = server
    return { url, username, password, stop: () => server.stop().then(removeDirectory) }
  } catch (error) {
    await removeDirectory()
    throw error
  }
}

/** As the embedded server has it: tests look into the log soon after, and several servers share a machine. */
const CONTAINER_CONFIG = `<clickhouse>
  <max_server_memory_usage>${MEMORY_BYTES}</max_server_memory_usage>
  <query_log><flush_interval_milliseconds>500</flush_interval_milliseconds></query_log>
</clickhouse>`

async function startContainer(image: string): Promise<TestServer> {
  const container = await clickhouseContainer(image, CONTAINER_CONFIG)
  return testServerIn(await container.start())
}

/**
 * A container that is not started yet.
 * @param config merged into the server's configuration
 */
export async function clickhouseContainer(image: string, config: string): Promise<ClickHouseContainer> {
  const { ClickHouseContainer: Container } = await import('@testcontainers/clickhouse')
  class Unlimited extends Container {
    constructor() {
      super(image)
      this.hostConfig.Ulimits = [] // the module raises one, which not every machine allows
    }
  }
  return new Unlimited()
    .withUsername('backfill')
    .withPassword(randomBytes(12).toString('hex'))
    .withDatabase('default')
    .withEnvironment({ CLICKHOUSE_DEFAULT_ACCESS_MANAGEMENT: '1' })
    .withCopyContentToContainer([{ content: config, target: '/etc/clickhouse-server/config.d/test.xml' }])
}

export function testServerIn(container: StartedClickHouseContainer): TestServer {
  return {
    url: container.getHttpUrl(),
    username: container.getUsername(),
    password: container.getPassword(),
    stop: () => container.stop().then(() => undefined),
  }
}

/** Posts one statement (data may follow it) and returns the answer's text. @throws Error with the server's message */
export async function post(
  server: Pick<TestServer, 'url' | 'username' | 'password'>,
  statement: string,
  params: Readonly<Record<string, string | number>> = {},
): Promise<string> {
  const search = new URLSearchParams(
    Object.entries(params).map(([name, value]): [string, string] => [`param_${name}`, String(value)]),
  )
  search.set('output_format_json_quote_64bit_integers', '0')
  const response = await fetch(`${server.url}/?${search.toString()}`, {
    method: 'POST',
    body: statement,
    headers: { 'X-ClickHouse-User': server.username, 'X-ClickHouse-Key': server.password },
  })
  const text = await response.text()
  if (!response.ok) throw new Error(text.trim())
  return text
}

/** Rows of a SELECT, as objects. */
export async function rowsOf<Row>(
  server: Pick<TestServer, 'url' | 'username' | 'password'>,
  select: string,
  params: Readonly<Record<string, string | number>> = {},
): Promise<Row[]> {
  const text = await post(server, `${select}\nFORMAT JSONEachRow`, params)
  return text.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as Row]))
}
