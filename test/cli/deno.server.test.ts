// Owns the promise that the same source runs under Deno as under Node: same words, same ledger.
import { chmodSync, cpSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { startEmbedded } from '../../src/embedded/embedded-server.ts'
import { readCatalogue } from '../../src/project/sql-folder.ts'
import { COMPRESSIONS } from '../../src/model/model.ts'
import { backfill, type CliOptions, environmentFor, MAIN } from '../support/cli.ts'
import { CA_FILE, startFront } from '../support/front.ts'
import { editedFolder } from '../support/edited-folder.ts'
import { MEMORY_BYTES, serve } from '../support/embedded.ts'
import { repository, temporaryDirectory } from '../support/processes.ts'
import { rowsOf, startTestServer, type TestServer, uniqueDatabase } from '../support/server.ts'
import { addBlocks, createSourceTables } from '../support/small-chain.ts'
import { startThrottle } from '../support/throttle.ts'
import { SQL_FOLDER } from '../support/workspace.ts'

/** Settings and .env, the SQL folder and node_modules, the servers, the host's name in locks and ledger. */
const FOR_A_SERVER = ['--allow-env', '--allow-read', '--allow-net', '--allow-sys=hostname,uid']
/**
 * Also its folder, its process (which gets all rights: it is ClickHouse), and a look whether that can be loaded: the
 * loader of ffi-rs asks Deno for a report of the machine, which takes `cpus` and `networkInterfaces`.
 */
const EMBEDDED = [
  '--allow-env',
  '--allow-read',
  '--allow-net',
  '--allow-sys=hostname,cpus,networkInterfaces,uid',
  '--allow-write',
  '--allow-run',
  '--allow-ffi',
]

/** Some megabytes that arrive late enough to be cut. */
const LONG = `SELECT toUInt32({from_block:UInt64} + number % ({to_block:UInt64} - {from_block:UInt64} + 1)) AS block_number,
    toUInt32(cityHash64(number)) AS slots_cleared,
    toUInt32(cityHash64(number, 1)) AS slots_set
  FROM numbers(300000)
  WHERE {network:String} != ''
    AND (SELECT count() FROM {source:Identifier}.canonical_execution_storage_diffs) > 0
    AND (SELECT count() FROM {source:Identifier}.canonical_execution_transaction) > 0
`

const DENO = join(repository, 'node_modules/.bin/deno')
const missing = !existsSync(DENO)
if (missing) console.warn(`skipped: ${DENO} is absent (npm install fetches it)`)

type Runtime = Pick<CliOptions, 'command'>
const node: Runtime = {}
const deno = (permissions: readonly string[]): Runtime => ({
  command: [DENO, 'run', '--no-prompt', '--quiet', ...permissions, MAIN],
})

describe.skipIf(missing)('Deno', () => {
  let server: TestServer
  const source = uniqueDatabase('source')
  const { TMPDIR } = process.env
  beforeAll(async () => {
    // Deno lets nobody without all rights read below /dev, where the suite's folder may be.
    process.env['TMPDIR'] = process.env['BACKFILL_TEST_DISK']
    server = await startTestServer()
    await fill(server, source)
  })
  afterAll(() => {
    process.env['TMPDIR'] = TMPDIR
    return server?.stop()
  })

  test('`up` and `status` against a server say and record under Deno what they do under Node', async () => {
    const outcomes = [node, deno(FOR_A_SERVER)].map(async (runtime) => {
      const databases = { source, target: uniqueDatabase('target'), ledger: uniqueDatabase('ledger') }
      const env = { ...environmentFor(server, databases), BACKFILL_LAG: '0' }
      const said = await upAndStatus([], { ...runtime, env })
      return { said, ledger: await ledgerOf(server, databases.ledger) }
    })
    const [underNode, underDeno] = await Promise.all(outcomes)
    expect(underDeno).toEqual(underNode)
  })

  test('rows stream from one server to another under Deno, packed in every way, from behind https of a private authority', async () => {
    const other = await startTestServer()
    const front = await startFront(server.url, { tls: true })
    onTestFinished(async () => void (await Promise.all([front.close(), other.stop()])))
    for (const compression of COMPRESSIONS) {
      const databases = { source, target: uniqueDatabase('target'), ledger: uniqueDatabase('ledger') }
      const env = {
        ...environmentFor(other, databases),
        SOURCE_CLICKHOUSE_URL: front.url,
        SOURCE_CLICKHOUSE_USERNAME: server.username,
        SOURCE_CLICKHOUSE_PASSWORD: server.password,
        SOURCE_CLICKHOUSE_CA_FILE: CA_FILE,
        BACKFILL_LAG: '0',
        BACKFILL_COMPRESSION: compression,
      }
      const words = ['up', '--quiet', '--tables', 'block_slots_stat']
      const { code, stderr } = await backfill(words, { ...deno(FOR_A_SERVER), env })
      expect(code, stderr).toBe(0)
      const table = await rowsOf<{ blocks: number }>(
        other,
        'SELECT uniqExact(block_number) AS blocks FROM {target:Identifier}.int_block_slots_stat',
        { target: databases.target },
      )
      expect(table).not.toEqual([{ blocks: 0 }])
    }
    const { code, stderr } = await backfill(['status'], {
      ...deno(FOR_A_SERVER),
      env: { TARGET_CLICKHOUSE_URL: front.url },
    })
    expect(code).toBe(6)
    expect(stderr).toContain(
      'Set TARGET_CLICKHOUSE_CA_FILE to the certificate of the authority that signed it',
    )
  })

  test('a stream that is cut is noticed under Deno, too, and all rows are there in the end', async () => {
    const other = await startTestServer()
    const line = await startThrottle(server.url, 2e6)
    onTestFinished(async () => void (await Promise.all([line.close(), other.stop()])))
    const sql = editedFolder('transforms/block_slots_stat.sql', (text) => text.replace(/^WITH[\s\S]*/m, LONG))
    // Many rows of few blocks stay as many as they are.
    const ddl = join(sql, 'ddl/block_slots_stat.sql')
    writeFileSync(ddl, readFileSync(ddl, 'utf8').replace('ReplacingMergeTree', 'MergeTree'))
    const databases = { source, target: uniqueDatabase('target'), ledger: uniqueDatabase('ledger') }
    const env = {
      ...environmentFor(other, databases),
      SOURCE_CLICKHOUSE_URL: line.url,
      SOURCE_CLICKHOUSE_USERNAME: server.username,
      SOURCE_CLICKHOUSE_PASSWORD: server.password,
      BACKFILL_LAG: '0',
    }
    const words = ['up', '--json', '--sql', sql, '--tables', 'block_slots_stat']
    const running = backfill(words, { ...deno(FOR_A_SERVER), env })
    await Promise.race([line.reached(1_000_000), running])
    line.cut()
    const { code, stdout, stderr } = await running
    expect(code, stderr).toBe(0)
    expect(stdout).toMatch(/"chunk-failed".*cannot reach ClickHouse \(source/)
    expect(
      await rowsOf(other, 'SELECT count() AS rows FROM {target:Identifier}.int_block_slots_stat', {
        target: databases.target,
      }),
    ).toEqual([{ rows: 300_000 }])
  })

  test('`up` and `status` with the embedded server say and record under Deno what they do under Node', async () => {
    const template = join(temporaryDirectory(), 'embedded')
    const first = await startEmbedded({ directory: template, memoryBytes: MEMORY_BYTES })
    try {
      await fill(first, 'default')
    } finally {
      await first.stop()
    }
    const outcomes = [node, deno(EMBEDDED)].map(async (runtime) => {
      const cwd = temporaryDirectory()
      const directory = join(cwd, 'state/embedded')
      cpSync(template, directory, { recursive: true })
      // A copy of a folder is not used: it could be a stranger's.
      chmodSync(directory, 0o700)
      // Two of the tables: all of them run under Deno above.
      const flags = ['--embedded', '--tables', 'address_diffs,block_slots_stat']
      const said = await upAndStatus(flags, { ...runtime, cwd, env: { BACKFILL_LAG: '0' } })
      return { said, ledger: await ledgerOf(await serve(directory), 'backfill') }
    })
    const [underNode, underDeno] = await Promise.all(outcomes)
    expect(underDeno).toEqual(underNode)
  })
})

async function fill(on: Pick<TestServer, 'url' | 'username' | 'password'>, database: string): Promise<void> {
  await createSourceTables(on, await readCatalogue(SQL_FOLDER), database)
  await addBlocks(on, database, { from: 1, to: 50 })
}

/** What `up` and `status` print on stdout, times left out. */
async function upAndStatus(flags: readonly string[], options: CliOptions): Promise<string> {
  // One statement at a time: what is cut into which chunk does not depend on who is faster.
  const up = await backfill(['up', '--chunk', '25', '--jobs', '1', ...flags], options)
  expect(up.code, up.stderr).toBe(0)
  expect(up.stdout).toMatch(/^\S+Z Done: \d+ chunks, \d00 blocks, /)
  const status = await backfill(['status', ...flags], options)
  expect(status.code, status.stderr).toBe(0)
  return (up.stdout + status.stdout)
    .replace(/ in \d+\.\d s \([\d,]+ blocks\/s\)/, '')
    .replaceAll(/\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\dZ)?/g, '<time>')
    .replace(/target \w+ on \S+/, 'target <target>')
}

/** The ledger without ids, times, hosts and what the server measured. */
async function ledgerOf(
  on: Pick<TestServer, 'url' | 'username' | 'password'>,
  ledger: string,
): Promise<unknown> {
  const rows = await rowsOf(
    on,
    `SELECT * EXCEPT (target_uuid, run_id, query_id, host, event_time, elapsed_ms, peak_memory, rows_read, bytes_read)
    FROM {ledger:Identifier}.ledger ORDER BY table_key, epoch, seq`,
    { ledger },
  )
  // UUIDs of inputs.
  return JSON.parse(JSON.stringify(rows).replaceAll(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, '<uuid>'))
}
