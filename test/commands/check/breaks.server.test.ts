// Owns the promise to a DBA who breaks a file: `check` names file and line, whatever of ten things is broken in which
// of the eleven transforms, and writes nothing.
import { mkdirSync, readdirSync, readFileSync, cpSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readCatalogue } from '../../../src/project/sql-folder.ts'
import { serverTime } from '../../support/audit.ts'
import { backfill, backfillHere, environmentFor, NOWHERE } from '../../support/cli.ts'
import { temporaryDirectory } from '../../support/processes.ts'
import { post, rowsOf, startTestServer, type TestServer, uniqueDatabase } from '../../support/server.ts'
import { createSourceTables } from '../../support/small-chain.ts'
import { SQL_FOLDER } from '../../support/workspace.ts'

let server: TestServer
let since: string
const databases = {
  source: uniqueDatabase('source'),
  target: uniqueDatabase('target'),
  ledger: uniqueDatabase('ledger'),
}
beforeAll(async () => {
  server = await startTestServer()
  await createSourceTables(server, await readCatalogue(SQL_FOLDER), databases.source)
  since = await serverTime(server)
})
afterAll(() => server?.stop())

const KEYS = readdirSync(join(SQL_FOLDER, 'transforms')).map((name) => name.replace('.sql', ''))

type Texts = { readonly transform: string; readonly ddl: string }

/** A transform broken in one way: its texts then, the rule, and the line of the transform that is to be named. */
type Broken = Texts & { readonly rule: string; readonly line: number }

type Break = (texts: Texts, key: string) => Broken

const OUTPUT = /^ {4}(.*) AS block_number(,?)$/m
const TABLE = /\{(source|target):Identifier\}\.(\w+)/

/** The edited transform, and the line of the last place where it has `mark`. */
function at(rule: string, texts: Texts, mark: string): Broken {
  const offset = texts.transform.lastIndexOf(mark)
  expect(offset, mark).toBeGreaterThan(-1)
  return { ...texts, rule, line: texts.transform.slice(0, offset + 1).split('\n').length }
}

function changed({ transform, ddl }: Texts, was: string | RegExp, is: string): Texts {
  const edited = transform.replace(was, is)
  expect(edited).not.toBe(transform)
  return { transform: edited, ddl }
}

const BREAKS: Readonly<Record<string, Break>> = {
  'a dropped column': (texts) => {
    const [line = '', , comma] = OUTPUT.exec(texts.transform) ?? []
    // The last of the list takes the comma before it along.
    const was = comma === ',' ? `${line}\n` : `,\n${line}`
    return at('E064', changed(texts, was, ''), '\nSELECT')
  },
  'a renamed column': (texts) => at('E063', changed(texts, OUTPUT, '    $1 AS block_no$2'), ' AS block_no'),
  'a wrong type': (texts) =>
    at('E065', changed(texts, OUTPUT, '    toString($1) AS block_number$2'), ' AS block_number'),
  'a narrower type': ({ transform, ddl }) => {
    const narrower = ddl.replace(/(block_number +)UInt32/, '$1UInt16')
    expect(narrower).not.toBe(ddl)
    return at('E065', { transform, ddl: narrower }, OUTPUT.exec(transform)?.[0] ?? '')
  },
  'an unknown parameter': (texts) =>
    at('E030', changed(texts, '{from_block:UInt64}', '{form_block:UInt64}'), '{form_block:UInt64}'),
  'two statements': (texts) => at('E022', changed(texts, /$/, ';\nSELECT 2\n'), 'SELECT 2'),
  'a missing FROM table': (texts) => {
    const [read = '', database, table = ''] = TABLE.exec(texts.transform) ?? []
    // A source may be named by the header and not exist; a derived table may not even be named.
    const header =
      database === 'source' ? changed(texts, new RegExp(`\\b${table}\\b`), `${table}_gone`) : texts
    const edited = changed(header, read, `${read}_gone`)
    return at(database === 'source' ? 'E062' : 'E043', edited, `${read}_gone`)
  },
  'an unknown header key': (texts) => at('E001', changed(texts, '--! rows:', '--! row:'), '--! row:'),
  'a missing required key': (texts) => ({ ...changed(texts, /--! target: .*\n/, ''), rule: 'E002', line: 1 }),
  'a cycle': (texts, key) => {
    const after = /--! after: .*/.exec(texts.transform)?.[0]
    const edited =
      after === undefined
        ? changed(texts, '--! rows:', `--! after: ${key}\n--! rows:`)
        : changed(texts, after, `${after}, ${key}`)
    return at('E040', edited, '--! after:')
  },
}

/** An SQL folder with these tables' texts, and copies of the project's other files. */
function folderWith(own: Readonly<Record<string, Texts>>): string {
  const folder = join(temporaryDirectory(), 'sql')
  for (const name of ['transforms', 'ddl']) mkdirSync(join(folder, name), { recursive: true })
  for (const name of ['source', 'ledger', 'networks.json'])
    cpSync(join(SQL_FOLDER, name), join(folder, name), { recursive: true })
  for (const key of KEYS) {
    const texts = own[key] ?? sqlVersionsOf(key)
    writeFileSync(join(folder, 'transforms', `${key}.sql`), texts.transform)
    writeFileSync(join(folder, 'ddl', `${key}.sql`), texts.ddl)
  }
  return folder
}

function sqlVersionsOf(key: string): Texts {
  const read = (folder: string) => readFileSync(join(SQL_FOLDER, folder, `${key}.sql`), 'utf8')
  return { transform: read('transforms'), ddl: read('ddl') }
}

const readsDerived = (key: string) => sqlVersionsOf(key).transform.includes('{target:Identifier}')

test.for(Object.entries(BREAKS))('%s is found in each transform with file and line', async ([, broken]) => {
  // Those that read derived tables in a folder of their own, where what they read is sound.
  for (const keys of [KEYS.filter((key) => !readsDerived(key)), KEYS.filter(readsDerived)]) {
    const own = Object.fromEntries(keys.map((key) => [key, broken(sqlVersionsOf(key), key)]))
    const words = ['check', ...keys, '--sql', folderWith(own)]
    const { code, stdout } = await backfillHere(words, { env: environmentFor(server, databases) })
    expect(code).toBe(2)
    for (const [key, { rule, line }] of Object.entries(own))
      expect(stdout.split('\n')).toContainEqual(
        expect.stringMatching(new RegExp(`/transforms/${key}\\.sql:${line}: ${rule} `)),
      )
  }
})

test('a column that the server lacks is named where it is read, with the source that lacks it', async () => {
  const source = uniqueDatabase('source')
  await createSourceTables(server, await readCatalogue(SQL_FOLDER), source)
  const table = 'canonical_execution_storage_diffs'
  await post(server, `ALTER TABLE {source:Identifier}.${table} DROP COLUMN transaction_index`, { source })
  const { code, stdout } = await backfillHere(['check', '--no-color'], {
    env: environmentFor(server, { ...databases, source }),
  })
  expect(code).toBe(2)
  const found = [
    ...stdout.matchAll(/transforms\/(\w+)\.sql:(\d+): E067 .* lacks the column 'transaction_index'/g),
  ]
  const readers = (await readCatalogue(SQL_FOLDER)).tables.filter(({ sources }) => sources.includes(table))
  expect(found.map(([, key]) => key)).toEqual(readers.map(({ key }) => key).toSorted())
  for (const [, key, line] of found) {
    const lines = sqlVersionsOf(key!).transform.split('\n')
    const from = lines.findIndex((text, index) => index >= Number(line) - 1 && text.includes('FROM'))
    expect(lines[Number(line) - 1]).toContain('transaction_index')
    expect(lines[from]).toContain(table)
  }
})

test('a table that was altered by hand is found where the file says otherwise', async () => {
  const target = uniqueDatabase('target')
  await post(server, 'CREATE DATABASE {target:Identifier}', { target })
  const ddl = sqlVersionsOf('block_slots_stat').ddl.replace(
    'intDiv(block_number, 5000000)',
    'intDiv( block_number,5000000 )',
  )
  await post(server, ddl, { target })
  const check = () =>
    backfillHere(['check', 'block_slots_stat'], { env: environmentFor(server, { ...databases, target }) })
  expect((await check()).stdout).toMatch(/: no errors\n$/)
  await post(server, 'ALTER TABLE {target:Identifier}.int_block_slots_stat MODIFY COLUMN slots_set UInt16', {
    target,
  })
  const { stdout, code } = await check()
  expect(stdout).toMatch(
    /ddl\/block_slots_stat\.sql:7: E072 table-type: 'slots_set' is UInt32 here and UInt16 in/,
  )
  // The transform is right: nobody is told to undo its types.
  expect(stdout).not.toContain('transforms/')
  expect(code).toBe(2)
})

test('the project itself is clean, as a process too; --json is one object', async () => {
  const env = environmentFor(server, databases)
  const { code, stdout, stderr } = await backfill(['check', '--json'], { env })
  expect(code, stdout).toBe(0)
  expect(JSON.parse(stdout)).toMatchObject({
    schema: 1,
    tables: expect.arrayContaining(KEYS),
    tests: expect.any(Number),
    server: `${databases.target} at ${server.url}`,
    not_asked_about: [],
    findings: [],
    errors: 0,
    warnings: 0,
  })
  expect(stderr).toContain(`tables in ${databases.target} at ${server.url}, sources in ${databases.source}`)
})

test('--offline asks nobody; without it a server that is away ends it with 6, behind what the files say', async () => {
  const texts = sqlVersionsOf('accounts_alive')
  const broken = folderWith({ accounts_alive: changed(texts, '--! rows:', '--! row:') })
  const away = { env: NOWHERE }
  expect((await backfillHere(['check', '--offline'], away)).code).toBe(0)
  const offline = await backfillHere(['check', '--offline', '--sql', broken, '--json'], away)
  expect(offline.code).toBe(2)
  expect(JSON.parse(offline.stdout)).toMatchObject({
    server: null,
    errors: 2,
    findings: [
      { rule: 'E002', name: 'header-missing-key', severity: 'error', line: 1 },
      { rule: 'E001', line: 4, message: "unknown key 'row'", hint: expect.stringContaining("'rows'") },
    ],
  })
  const asked = await backfillHere(['check', '--sql', broken], away)
  expect(asked.code).toBe(6)
  expect(asked.stdout).toContain('E001')
  expect(asked.stderr).toContain('cannot reach ClickHouse')
})

test('a word that is no table, and flags that exclude each other, are refused', async () => {
  const unknown = await backfillHere(['check', 'adress_diffs', '--offline'])
  expect(unknown).toMatchObject({ code: 2, stdout: '' })
  expect(unknown.stderr).toContain("did you mean 'address_diffs'?")
  expect((await backfillHere(['check', '--offline', '--embedded'])).code).toBe(2)
})

test('none of this has written anything on the server: it has seen questions only', async () => {
  await post(server, 'SYSTEM FLUSH LOGS query_log')
  const asked = `FROM system.query_log WHERE type != 'QueryStart' AND http_user_agent LIKE '%clickhouse-js%'
    AND event_time_microseconds > '${since}'
    -- The last heartbeat of a lock of another file may arrive now.
    AND NOT (query LIKE '%MODIFY COMMENT%' AND position(query, '${databases.ledger}') = 0)`
  const kinds = await rowsOf<{ kind: string; written: number }>(
    server,
    `SELECT toString(query_kind) AS kind, sum(written_rows) AS written ${asked} GROUP BY kind ORDER BY kind`,
  )
  expect(kinds.reduce((sum, { written }) => sum + written, 0)).toBe(0)
  expect(kinds.map(({ kind }) => kind)).toContain('Describe')
  const harmless = ['Check', 'Describe', 'Select']
  const others = await rowsOf<{ query: string }>(
    server,
    `SELECT query ${asked} AND NOT has({harmless:Array(String)}, toString(query_kind))`,
    { harmless: `['${harmless.join("', '")}']` },
  )
  // Empty tables of DDL files, each in a session that has ended by now.
  const temporary = /^(CREATE|SHOW CREATE|DROP) TEMPORARY TABLE/
  expect(others.map(({ query }) => query.trim()).filter((query) => !temporary.test(query))).toEqual([])
  const made = await rowsOf(
    server,
    'SELECT name FROM system.databases WHERE name = {ledger:String}',
    databases,
  )
  expect(made).toEqual([])
})
