// Owns the promises of `preview`: the transform's own rows, on a server that is not asked to write, in any format.
import { cpSync, writeFileSync } from 'node:fs'
import { connect as connectTo, createServer, type Socket, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { text as textOf } from 'node:stream/consumers'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { transformParams } from '../../../src/targets/transform.ts'
import { chooseTables, findNetwork, readCatalogue } from '../../../src/project/sql-folder.ts'
import { drawing, withRows } from '../../../src/commands/preview/command.ts'
import { boundStatement } from '../../../src/sql-syntax/parameters.ts'
import {
  backfillHere,
  environmentFor,
  expectOneMessage,
  MAIN,
  NOWHERE,
  startBackfill,
} from '../../support/cli.ts'
import { outcome, temporaryDirectory } from '../../support/processes.ts'
import { connect } from '../../support/clickhouse.ts'
import { post, rowsOf, startTestServer, type TestServer, uniqueDatabase } from '../../support/server.ts'
import { addBlocks, createSourceTables } from '../../support/small-chain.ts'
import { openTestWorkspace, SQL_FOLDER } from '../../support/workspace.ts'

const catalogue = await readCatalogue(SQL_FOLDER)
const network = findNetwork(catalogue, 'mainnet')
const databases = {
  source: uniqueDatabase('source'),
  target: uniqueDatabase('target'),
  ledger: uniqueDatabase('ledger'),
}
let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
  await createSourceTables(server, catalogue, databases.source)
  await addBlocks(server, databases.source, { from: 1, to: 60 })
  await addBlocks(server, databases.source, { from: 19_426_600, to: 19_426_640 })
  const tables = ['address_diffs', 'pre_6780_accounts_destructs', 'post_6780_accounts_destructs']
  const workspace = await openTestWorkspace({ server, catalogue, ...databases, tables })
  await workspace.up()
  await workspace.close()
})
afterAll(() => server?.stop())

const environment = () => environmentFor(server, databases)
const run = (words: string) => backfillHere(words.split(' '), { env: environment() })

/** A folder of SQL files in which `block_slots_stat` is this SELECT; it does not have to make sense. */
function edited(select: string, header = ''): { readonly cwd: string; readonly env: Record<string, string> } {
  const cwd = temporaryDirectory()
  cpSync(SQL_FOLDER, join(cwd, 'sql'), { recursive: true })
  writeFileSync(
    join(cwd, 'sql/transforms/block_slots_stat.sql'),
    `--! description: A test\n--! target: int_block_slots_stat\n--! sources: canonical_execution_transaction\n${header}--! rows: per-block\n${select}`,
  )
  return { cwd, env: { ...environment(), BACKFILL_SQL: 'sql' } }
}

const NUMBERS = `FROM numbers({from_block:UInt64}, {to_block:UInt64} - {from_block:UInt64} + 1)
WHERE {network:String} != '' AND (SELECT count() FROM {source:Identifier}.canonical_execution_transaction WHERE meta_network_name = '') = 0`

test('`preview` prints the first rows of the SELECT, sorted, and says that there may be more', async () => {
  const { code, stdout } = await run('preview block_slots_stat --from 11 --to 40 --limit 3')
  expect({ code, stdout }).toEqual({
    code: 0,
    stdout: `
┌─block_number─┬─slots_cleared─┬─slots_set─┐
│           11 │             0 │         1 │
│           12 │             0 │         1 │
│           13 │             0 │         1 │
└──────────────┴───────────────┴───────────┘

At most 3 rows; --limit <rows> shows more.
`.trimStart(),
  })
  expect((await run('preview block_slots_stat --from 11')).stdout).toMatch(/At most 20 rows;/)
  expect((await run('preview block_slots_stat --from 100 --to 200')).stdout).toBe('No rows.\n')
})

test('rows fit the terminal: long values are cut, and where the columns do not fit each value has a line', async () => {
  const [chosen] = chooseTables(catalogue, ['address_diffs'])
  const text = `SELECT number AS n, repeat('x', 60) AS hash, repeat('y', 400) AS text ${NUMBERS}`
  const table = { ...chosen!, transform: { ...chosen!.transform, text } }
  const { url, username, password } = server
  const side = { side: 'source', url, username, password, database: databases.source } as const
  const drawn = async (width: number) =>
    await withRows(
      { source: side, target: { ...side, side: 'target', database: databases.target } },
      { table, network, range: { from: 1, to: 9 } },
      drawing(9, width),
      textOf,
    )
  const wide = (await drawn(160)).split('\n')
  expect(Math.max(...wide.map((line) => line.length))).toBeLessThanOrEqual(160)
  expect(wide[1]).toMatch(/│ 1 │ x{60} │ y{66}⋯/)
  expect(await drawn(100)).toMatch(/^Row 1:\n─+\nn: +1\nhash: x{60}\ntext: y{400}\n/)
})

test('`preview` shows columns that have no order: states, vectors, and values of several types', async () => {
  const mixed = 'CAST(number AS Variant(UInt64, String)) AS c, CAST(number AS Dynamic) AS d'
  const odd = `initializeAggregation('countState', number) AS a, [CAST([1., 2.] AS QBit(Float32, 2))] AS b, ${mixed}`
  const options = edited(`SELECT number, ${odd} ${NUMBERS} ORDER BY number DESC`)
  const words = 'preview block_slots_stat --from 7 --to 9 --limit 5 --format TSV'.split(' ')
  const { code, stdout } = await backfillHere(words, options)
  expect([code, stdout.replaceAll(/\t.*/g, '')]).toEqual([0, '7\n8\n9\n'])
})

test('the server itself is told to refuse writes, and nothing is written', async () => {
  const options = edited(`SELECT number, getSetting('readonly') AS readonly ${NUMBERS}`)
  const start = await rowsOf<{ now: string }>(server, 'SELECT toString(now64(6)) AS now')
  const words = ['preview', 'block_slots_stat', '--from', '7', '--format', 'TSV']
  expect(await backfillHere(words, options)).toMatchObject({ code: 0, stdout: '7\t2\n' })
  await post(server, 'SYSTEM FLUSH LOGS')
  expect(
    await rowsOf(
      server,
      `SELECT query FROM system.query_log WHERE event_time_microseconds >= {since:DateTime64(6)}
       AND type = 'QueryStart' AND query_kind NOT IN ('Select', 'Describe', 'System', 'Explain')`,
      { since: start[0]!.now },
    ),
  ).toEqual([])
})

test('`--print-sql` needs no server, and what it prints gives the same rows: for every shipped transform', async () => {
  const env = { ...environment(), ...NOWHERE }
  const printed = await backfillHere('preview accounts_alive --from 5 --to 40 --print-sql'.split(' '), {
    env,
  })
  expect(printed).toMatchObject({ code: 0, stderr: '' })
  for (const table of catalogue.tables) {
    for (const range of [
      { from: 5, to: 40 },
      { from: 19_426_600, to: 19_426_640 },
    ]) {
      const [source, target] = [{ database: databases.source }, { database: databases.target }]
      const values = transformParams({ table, range, network, source, target })
      const statement = boundStatement(table, values)
      if (table.key === 'accounts_alive' && range.from === 5) expect(printed.stdout).toBe(`${statement};\n`)
      expect(statement).not.toMatch(/\{\w+:/)
      const [ours, theirs] = await Promise.all([
        post(
          server,
          `SELECT * FROM (\n${table.transform.text}\n) ORDER BY ALL`,
          values as Record<string, string>,
        ),
        post(server, `SELECT * FROM (\n${statement}\n) ORDER BY ALL`),
      ])
      expect(theirs, table.key).toBe(ours)
    }
  }
})

test('awkward values are bound as the server binds them', async () => {
  const text = `SELECT {s:String} AS s, -{n:UInt64} AS n, sipHash64({n:UInt64}) AS hash,
    number IN {numbers:Array(UInt8)} AS has, {d:Decimal(10, 2)} AS d, {m:Int8} AS m, toTypeName({n:UInt64}) AS type
    FROM {db:Identifier}.{t:Identifier} LIMIT {n:UInt64}`
  const values = {
    s: `it's \\ {n:UInt64} \`é\``,
    n: 3,
    numbers: '[1,2]',
    d: '1.50',
    m: '-7',
    db: 'system',
    t: 'numbers',
  }
  const statement = boundStatement({ transform: { file: 'a.sql', text, line: 1 }, settings: {} }, values)
  const client = await connect(server)
  const rows = async (query: string, query_params = {}) =>
    await client.client.text({ query: `${query}\nFORMAT TabSeparated`, query_params })
  expect(await rows(statement)).toBe(await rows(text, values))
  await client.close()
})

test('any format is passed on as the server sends it; an unknown one is named, with a near one', async () => {
  const json = await run('preview address_diffs --from 11 --to 12 --format JSONEachRow')
  expect(json.code).toBe(0)
  expect(
    json.stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown),
  ).toHaveLength(4)
  const wrong = await run('preview address_diffs --from 11 --format JSONEachRaw')
  expect(wrong.code).toBe(2)
  expectOneMessage(wrong)
  expect(wrong.stderr).toContain("--format: Unknown format JSONEachRaw. Maybe you meant: ['JSONEachRow'")
})

test('a stream that the server breaks off ends with code 1 and its words, which are not among the rows', async () => {
  const options = edited(`SELECT number, throwIf(number = 3000000, 'block 3000000 is bad') AS bad ${NUMBERS}`)
  const words = 'preview block_slots_stat --from 1 --to 9000000 --format TSV'.split(' ')
  const { code, stdout, stderr } = await backfillHere(words, options)
  expect(code).toBe(1)
  expect(stderr).toContain('block 3000000 is bad')
  expect(stdout).toMatch(/^1\t0\n2\t0\n/)
  expect(stdout).not.toContain('is bad')
})

test('a connection that breaks in the middle ends with code 6; a reader that goes away is no error', async () => {
  const sockets: Socket[] = []
  const relay = createServer((client) => {
    const { hostname, port } = new URL(server.url)
    const upstream = connectTo(Number(port), hostname)
    sockets.push(client, upstream)
    client.pipe(upstream).pipe(client)
    for (const socket of [client, upstream]) socket.on('error', () => socket.destroy())
  })
  await new Promise<void>((listening) => relay.listen(0, '127.0.0.1', listening))
  const options = edited(`SELECT number AS number ${NUMBERS}`)
  const words = 'preview block_slots_stat --from 1 --to 90000000 --format TSV'.split(' ')
  const url = `127.0.0.1:${(relay.address() as AddressInfo).port}`
  const child = startBackfill(words, { ...options, env: { ...options.env, TARGET_CLICKHOUSE_URL: url } })
  child.stdout!.once('data', () => sockets.forEach((socket) => socket.destroy()))
  const broken = await outcome(child)
  relay.close()
  expect(broken.code).toBe(6)
  expect(broken.stderr).toMatch(/^backfill: cannot reach ClickHouse .* while previewing blocks 1-90000000/)

  const shell = `"${process.execPath}" "${MAIN}" ${words.join(' ')} | head -1; echo "code \${PIPESTATUS[0]}"`
  const head = await outcome(startBackfill(['-c', shell], { ...options, command: ['bash'] }))
  expect(head).toMatchObject({ stdout: '1\ncode 0\n', stderr: '' })
})

test('data cannot talk to the terminal, whatever reads it first', async () => {
  const { cwd } = edited(String.raw`SELECT number, '\x1b[31mred\n\x07' AS text ${NUMBERS}`)
  const words = 'preview block_slots_stat --from 1 --sql sql'.split(' ')
  const { stdout } = await backfillHere(words, { cwd, env: environment() })
  expect(stdout).toContain(String.raw`\x1b[31mred`)
  expect(stdout).toContain(String.raw`\x07`)
  expect(stdout).not.toMatch(/(?!\n)\p{Cc}/u)
})

test('of a range that is partly outside the table’s own blocks, the inner part is shown, and that is said', async () => {
  const partly = await run('preview pre_6780_accounts_destructs --from 20 --to 19426600')
  expect(partly.code).toBe(0)
  expect(partly.stderr).toMatch(/^Only 20-19426586: /)
})

test('a transform that the server does not accept is named with file and line', async () => {
  const options = edited(`SELECT nonsense, number ${NUMBERS}`)
  const wrong = await backfillHere('preview block_slots_stat --from 1'.split(' '), options)
  expect(wrong.code).toBe(2)
  expect(expectOneMessage(wrong)).toMatch(/block_slots_stat\.sql:5: ClickHouse rejects/)
  const [alive] = chooseTables(catalogue, ['accounts_alive'])
  const early = { ...environment(), TARGET_CLICKHOUSE_DATABASE: uniqueDatabase('target') }
  const missing = await backfillHere(`preview ${alive!.key} --from 1`.split(' '), { env: early })
  expect(missing.code).toBe(2)
  expect(missing.stderr).toContain('`backfill create-tables --tables accounts_alive`')
})
