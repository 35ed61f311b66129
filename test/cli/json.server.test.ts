// Owns the promise that every command with --json prints documents as its schema says, results and errors.
import { join } from 'node:path'
import parsePrometheus from 'parse-prometheus-text-format'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { COMMANDS } from '../../src/cli/commands.ts'
import { readCatalogue } from '../../src/project/sql-folder.ts'
import { toolVersion } from '../../src/package-folder.ts'
import { backfillHere, environmentFor, NOWHERE } from '../support/cli.ts'
import { editedFolder } from '../support/edited-folder.ts'
import { checkDocument, checkedDocuments } from '../support/json-outputs.ts'
import { temporaryDirectory } from '../support/processes.ts'
import { post, startTestServer, type TestServer, uniqueDatabase } from '../support/server.ts'
import { addBlocks, createSourceTables } from '../support/small-chain.ts'
import { SQL_FOLDER } from '../support/workspace.ts'

let server: TestServer
const own = {
  source: uniqueDatabase('source'),
  target: uniqueDatabase('target'),
  ledger: uniqueDatabase('ledger'),
}
const env = () => ({ ...environmentFor(server, own), BACKFILL_LAG: '0' })
const run = async (words: string) => {
  const ended = await backfillHere(words.split(' '), { env: env() })
  const documents = ended.stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => (words.includes('--json') ? (JSON.parse(line) as Record<string, unknown>) : {}))
  return { ...ended, documents }
}
const KEY = 'block_slots_stat'

beforeAll(async () => {
  server = await startTestServer()
  await createSourceTables(server, await readCatalogue(SQL_FOLDER), own.source)
  await addBlocks(server, own.source, { from: 1, to: 60 })
  await addBlocks(server, own.source, { from: 1161, to: 1200 })
})
afterAll(() => server?.stop())

test('each command prints what its schema describes, in one envelope; so do its errors', async () => {
  const before = new Map(checkedDocuments)
  const words = [
    `create-tables --tables ${KEY} --json`,
    `plan --tables ${KEY} --json`,
    `up --tables ${KEY} --chunk 10 --json`,
    `run --tables ${KEY} --json`,
    `status --tables ${KEY} --check --json`,
    `log --json`,
    `log ${KEY} --json`,
    `diff ${KEY} --json`,
    `digest ${KEY} --json`,
    `verify ${KEY} --json`,
    `verify ${KEY} --stored --json`,
    `verify ${KEY} --sources --dry-run --json`,
    `preview ${KEY} --from 1 --to 3 --json`,
    `preview post_6780_accounts_destructs --from 1 --json`,
    `redo ${KEY} --from 1 --to 5 --yes --json`,
    `rebuild ${KEY} --dry-run --json`,
    `accept ${KEY} --from 61 --to 1160 --dry-run --json`,
    `accept ${KEY} --from 61 --to 1160 --yes --json`,
    `unlock --tables ${KEY} --json`,
    `limit --jobs 1 --json`,
    `pause ${KEY} --json`,
    `wait ${KEY} --to 60 --timeout 0 --json`,
    `resume --json`,
    `list --json`,
    `list --orphans --json`,
    `info --json`,
    `doctor --tables ${KEY} --idle 1 --json`,
    `check ${KEY} --offline --json`,
    `report ${KEY} --output ${join(temporaryDirectory(), 'report.html')} --json`,
    `init ${temporaryDirectory()} --json`,
    `try ${KEY} --from 1 --to 20 --json`,
    `new gas_per_block --sql ${editedFolder('transforms/block_slots_stat.sql', (text) => text)} --json`,
  ]
  for (const one of words) {
    const { documents, stderr } = await run(one)
    expect(documents.length, `${one}: ${stderr}`).toBeGreaterThan(0)
    const command = one.split(' ')[0]
    const network = command === 'new' || command === 'init' ? null : 'mainnet'
    for (const document of documents)
      expect(document, one).toMatchObject({ schema: 1, command, network, tool_version: toolVersion() })
  }
  for (const [one, code] of [
    ['import --from 1 --folder /nowhere --json', 6],
    ['adopt address_diffs --json', 1],
    ['demo --jobs 0 --json', 2],
    ['test nothing --json', 2],
    ['stauts --json', 2],
    ['up --tables nothing --json', 2],
  ] as const) {
    const { documents, stderr, code: ended } = await run(one)
    const found = documents.at(-1)
    expect(found, one).toMatchObject({
      event: 'error',
      exit_code: ended,
      error: { message: expect.any(String) },
    })
    expect(stderr, one).toContain((found as { error: { message: string } }).error.message)
    expect(ended === code || ended !== 0, `${one} ended with ${ended}`).toBe(true)
  }
  const counted = (name: string) => (checkedDocuments.get(name) ?? 0) - (before.get(name) ?? 0)
  const failing = ['import', 'adopt', 'demo', 'test']
  const named = COMMANDS.filter(({ flags }) => flags.some(({ name }) => name === 'json')).map(
    ({ name }) => name,
  )
  expect(named.filter((name) => !failing.includes(name) && counted(name) === 0)).toEqual([])
  expect(counted('error')).toBeGreaterThanOrEqual(2)
})

test('a document with a key that its schema does not know fails the test that printed it', async () => {
  const { stdout } = await run('list --json')
  expect(() => checkDocument(stdout.replace('"tables":[{', '"tables":[{"new_key":1,'))).toThrow('new_key')
  expect(() => checkDocument(stdout.replace('"schema":1', '"schema":2'))).toThrow('schema/list.json')
})

test('`status --format prometheus` says what `status --json` says, and how the last run ended', async () => {
  await run(`up --tables ${KEY},address_reads`)
  const { documents } = await run(`status --tables ${KEY},address_reads --json`)
  const { tables } = documents[0] as {
    tables: { table: string; done_blocks: number; watermark: number; rows: number }[]
  }
  const { code, stdout, stderr } = await run(`status --tables ${KEY},address_reads --format prometheus`)
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  const samples = new Map(
    parsePrometheus(stdout).flatMap(({ name, metrics }) =>
      metrics.map(({ labels, value }) => [
        [name, labels['table'] ?? labels['source'], labels['outcome']]
          .filter((one) => one !== undefined)
          .join(' '),
        Number(value),
      ]),
    ),
  )
  for (const { table, done_blocks, watermark, rows } of tables) {
    expect(samples.get(`backfill_done_blocks ${table}`)).toBe(done_blocks)
    expect(samples.get(`backfill_watermark_block ${table}`)).toBe(watermark)
    expect(samples.get(`backfill_table_rows ${table}`)).toBe(rows)
    expect(samples.get(`backfill_last_run_outcome ${table} done`)).toBe(1)
    expect(samples.get(`backfill_last_run_outcome ${table} failed`)).toBe(0)
  }
  expect(samples.get('backfill_source_newest_block canonical_execution_storage_diffs')).toBe(1200)
  const [now] = [Date.now() / 1000]
  expect(samples.get(`backfill_last_run_timestamp_seconds ${KEY}`)).toBeGreaterThan(now - 3600)
})

test('metrics of two networks are one document, in which each metric is described once', async () => {
  const words = ['status', KEY, '--network', 'mainnet,sepolia', '--format', 'prometheus']
  // Of one database, rows of two networks would replace each other.
  const { code, stdout, stderr } = await backfillHere(words, {
    env: { ...env(), TARGET_CLICKHOUSE_DATABASE: uniqueDatabase('target') },
  })
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  const described = stdout.split('\n').filter((line) => line.startsWith('# TYPE'))
  expect(new Set(described).size).toBe(described.length)
  const networks = parsePrometheus(stdout)
    .find(({ name }) => name === 'backfill_missing_blocks')!
    .metrics.map(({ labels }) => labels['network'])
  expect(networks).toEqual(['mainnet', 'sepolia'])
})

test('files of two networks go into one node_exporter: the same HELP texts, whatever flags were typed, and no series twice', async () => {
  const files = await Promise.all(
    ['mainnet', 'sepolia'].map(async (network) => {
      const words = ['status', KEY, '--network', network, '--format', 'prometheus']
      const place = { ...env(), TARGET_CLICKHOUSE_DATABASE: `target_of_${network}` }
      return (await backfillHere(words, { env: place })).stdout.trim().split('\n')
    }),
  )
  const helps = files.map((lines) => lines.filter((line) => line.startsWith('# HELP')))
  const both = helps[0]!.filter((line) =>
    helps[1]!.some((other) => other.split(' ')[2] === line.split(' ')[2]),
  )
  expect(both.length).toBeGreaterThan(5)
  expect(helps[1]).toEqual(expect.arrayContaining(both))
  const series = files.flat().flatMap((line) => (line.startsWith('#') ? [] : [line.split(' ')[0]]))
  expect(new Set(series).size).toBe(series.length)
})

const add = (values: string) =>
  post(
    server,
    `INSERT INTO {ledger:Identifier}.ledger (network, table_key, epoch, seq, event, range_from, range_to, run_id, query_id, target_uuid, event_time)
     SELECT 'mainnet', '${KEY}', e, s, ev, f, t, r, q, (SELECT any(uuid) FROM system.tables WHERE database = {target:String} AND name = 'int_${KEY}'), now64(6)
     FROM VALUES('e UInt64, s UInt64, ev String, f UInt64, t UInt64, r String, q String', ${values})`,
    { ledger: own.ledger, target: own.target },
  )
const outcome = async () => {
  const { stdout } = await run(`status --tables ${KEY} --format prometheus`)
  return /last_run_outcome\{.*outcome="(\w+)"\} 1/.exec(stdout)?.[1]
}

test('a chunk that failed and was not done later in its run is a failed last run; a killed run is interrupted', async () => {
  await add(`(900, 1, 'started', 61, 70, 'r1', 'a'), (900, 2, 'failed', 61, 70, 'r1', 'a'),
    (900, 3, 'started', 61, 65, 'r1', 'b'), (900, 4, 'done', 61, 65, 'r1', 'b')`)
  expect(await outcome()).toBe('failed')
  await add(`(900, 5, 'started', 66, 70, 'r1', 'c'), (900, 6, 'done', 66, 70, 'r1', 'c')`)
  expect(await outcome()).toBe('done')
  await add(`(901, 1, 'started', 71, 80, 'r2', 'd')`)
  expect(await outcome()).toBe('interrupted')
})

test('a server that is away is an error document with exit code 6, whatever the command', async () => {
  for (const words of ['status --json', 'up --json', 'info --json', 'log --json']) {
    const { code, stdout } = await backfillHere(words.split(' '), { env: NOWHERE })
    expect(JSON.parse(stdout), words).toMatchObject({ exit_code: 6, error: { kind: 'server' } })
    expect(code).toBe(6)
  }
})
