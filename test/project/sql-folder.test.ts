import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, test } from 'vitest'
import { readCatalogue } from '../../src/project/sql-folder.ts'
import { shown } from '../../src/project/sql-files.ts'
import { splitStatements } from '../../src/sql-syntax/statements.ts'

const root = await mkdtemp(join(tmpdir(), 'backfill-sql-'))
afterAll(() => rm(root, { recursive: true }))

const TRANSFORM = `--! description: Rows of logs
--! target: int_a
--! sources: logs
--! rows: per-block

SELECT block_number FROM {source:Identifier}.logs
WHERE network = {network:String} AND block_number BETWEEN {from_block:UInt64} AND {to_block:UInt64}
`
const DDL =
  'CREATE TABLE IF NOT EXISTS {target:Identifier}.int_a (block_number UInt64) ENGINE = MergeTree ORDER BY ()'
const READS_A = TRANSFORM.replace('sources: logs', 'after: a').replace(
  '{source:Identifier}.logs',
  '{target:Identifier}.int_a',
)

const SOUND: Readonly<Record<string, string | undefined>> = {
  'transforms/a.sql': TRANSFORM,
  'ddl/a.sql': DDL,
  'source/logs.sql':
    '--! block-coverage: sparse\nCREATE TABLE {source:Identifier}.logs (block_number UInt64) ENGINE = Memory',
  'networks.json': '{ "mainnet": { "forks": { "dencun": 100 } } }',
}

/** Reads a folder that holds the sound files with some of them changed or, by undefined, left out. */
async function read(changes: Readonly<Record<string, string | undefined>> = {}) {
  return readCatalogue(await folderWith(changes))
}

async function folderWith(changes: Readonly<Record<string, string | undefined>>): Promise<string> {
  const folder = await mkdtemp(join(root, 'sql-'))
  for (const [name, text] of Object.entries({ ...SOUND, ...changes })) {
    await mkdir(dirname(join(folder, name)), { recursive: true })
    if (text !== undefined) await writeFile(join(folder, name), text)
  }
  return folder
}
const only = async (changes: Readonly<Record<string, string>> = {}) => (await read(changes)).tables[0]!

test('the folder of this project is sound: eleven tables, nine sources, dependants last', async () => {
  const folder = fileURLToPath(new URL('../../sql', import.meta.url))
  const { tables, sources, networks, ledger } = await readCatalogue(folder)
  expect(tables).toHaveLength(11)
  expect(sources).toHaveLength(9)
  expect(networks.map(({ name }) => name)).toEqual(
    expect.arrayContaining(['mainnet', 'sepolia', 'holesky', 'hoodi']),
  )
  expect(ledger.length).toBeGreaterThan(0)
  for (const [index, table] of tables.entries()) {
    const before = tables.slice(0, index).map(({ key }) => key)
    expect(before).toEqual(expect.arrayContaining([...table.after]))
    const known = sources.map((source) => source.table)
    expect(known).toEqual(expect.arrayContaining([...table.sources]))
  }
})

test('a table is what its two files say', async () => {
  const { tables, sources } = await read({})
  expect(tables).toHaveLength(1)
  expect(tables[0]).toMatchObject({
    key: 'a',
    target: 'int_a',
    unit: 'block',
    sources: ['logs'],
    parameters: ['source', 'network', 'from_block', 'to_block'],
    transform: { line: 6, text: expect.stringMatching(/^SELECT .*\n.*UInt64\}$/) },
    ddl: { line: 1, text: DDL },
  })
  expect(sources.find(({ table }) => table === 'logs')).toMatchObject({ blockCoverage: 'sparse' })
})

test('comments and white space change the raw hash only, as do hints that cannot change a row', async () => {
  const { sqlHash, rawHash } = await only()
  for (const text of [
    TRANSFORM.replace('SELECT', '-- why\n  SELECT\n'),
    TRANSFORM.replace('\n\n', '\n--! chunk: 5\n--! settings: max_threads = 2\n'),
  ]) {
    const changed = await only({ 'transforms/a.sql': text })
    expect(changed.sqlHash).toBe(sqlHash)
    expect(changed.rawHash).not.toBe(rawHash)
  }
})

test('a token, the value of a parameter and a setting that can change rows change the hash', async () => {
  const withHeader = (line: string) => TRANSFORM.replace('\n\n', `\n${line}\n\n`)
  const hashes = await Promise.all(
    [
      TRANSFORM,
      TRANSFORM.replace('AND', 'OR'),
      withHeader('--! params: least UInt64 = 1'),
      withHeader('--! params: least UInt64 = 2'),
      withHeader('--! settings: join_use_nulls = 1'),
    ].map(async (text) => (await only({ 'transforms/a.sql': text })).sqlHash),
  )
  expect(new Set(hashes).size).toBe(hashes.length)
})

test.for<[string, Readonly<Record<string, string | undefined>>, RegExp]>([
  ['a transform without DDL', { 'ddl/a.sql': undefined }, /transforms\/a\.sql: the table has no DDL/],
  ['a DDL without transform', { 'ddl/b.sql': DDL }, /ddl\/b\.sql: nothing fills this table/],
  [
    'two tables with one target',
    { 'transforms/b.sql': TRANSFORM, 'ddl/b.sql': DDL },
    /b\.sql:2: target 'int_a' is already filled by .*transforms\/a\.sql/,
  ],
  [
    'a DDL of another table',
    { 'ddl/a.sql': `\n${DDL.replace('int_a', 'int_b')}` },
    /ddl\/a\.sql:2: the DDL creates 'int_b'/,
  ],
  [
    'a DDL with a fixed UUID',
    { 'ddl/a.sql': DDL.replace('int_a', "int_a UUID '61f0c404-5cb3-11e7-907b-a6006ad3dba7'") },
    /ddl\/a\.sql:1: the table has a fixed UUID/,
  ],
  ['a DDL with two statements', { 'ddl/a.sql': `${DDL};\n${DDL}` }, /ddl\/a\.sql:2: a second statement/],
  ['an empty DDL', { 'ddl/a.sql': '-- nothing' }, /ddl\/a\.sql: the file has no CREATE TABLE/],
  [
    'a DDL with a header',
    { 'ddl/a.sql': `--! target: int_a\n${DDL}` },
    /ddl\/a\.sql:1: unknown key 'target'/,
  ],
  [
    'an unknown parameter in a DDL',
    { 'ddl/a.sql': DDL.replace('target', 'network') },
    /ddl\/a\.sql:1: unknown parameter/,
  ],
  ['a key that cannot name a lock', { 'transforms/a__b.sql': TRANSFORM }, /'a__b' is not a table key/],
  [
    'a transform without upper bound',
    { 'transforms/a.sql': TRANSFORM.replace('{to_block:UInt64}', '9') },
    /a\.sql:6: .* never uses 'to_block'/,
  ],
  [
    'a transform that mixes networks',
    { 'transforms/a.sql': TRANSFORM.replace('{network:String}', "''") },
    /never uses 'network'/,
  ],
  [
    'an unnamed source',
    { 'transforms/a.sql': TRANSFORM.replace('sources: logs', 'sources: traces') },
    /a\.sql:6: reads 'logs', which 'sources' does not name/,
  ],
  [
    'an unnamed dependency',
    {
      'transforms/a.sql': TRANSFORM.replace(
        'block_number BETWEEN',
        '1 IN (SELECT 1 FROM {target:Identifier}.int_b) AND block_number BETWEEN',
      ),
    },
    /a\.sql:7: reads 'int_b', which 'after' does not name/,
  ],
  [
    'an unknown dependency',
    { 'transforms/a.sql': READS_A.replace('after: a', 'after: aa') },
    /a\.sql:3: after: there is no table 'aa'/,
  ],
  ['a table that waits for itself', { 'transforms/a.sql': READS_A }, /a -> a/],
  [
    'an unknown fork',
    { 'transforms/a.sql': TRANSFORM.replace('\n\n', '\n--! blocks: denkun..\n\n') },
    /no network has a fork 'denkun'/,
  ],
  [
    'a bad network',
    { 'networks.json': '{ "mainnet": { "forks": { "dencun": "x" } } }' },
    /networks\.json: 'mainnet\.forks\.dencun' is "x"/,
  ],
])('%s is refused with its place', async ([, changes, message]) => {
  await expect(read(changes)).rejects.toThrow(message)
  await expect(read(changes)).rejects.toMatchObject({
    name: 'BackfillError',
    kind: 'usage',
    hint: expect.any(String),
  })
})

test('a missing folder is refused by name, with the option that names another', async () => {
  await expect(readCatalogue(join(root, 'nowhere'))).rejects.toMatchObject({
    // Relative where that is shorter, as from a clone beside the folder of temporary files.
    message: expect.stringContaining(shown(join(root, 'nowhere'))),
    hint: expect.stringMatching(/--sql.*BACKFILL_SQL/),
  })
})

test('a transform runs up to its last token: what is put behind it is never part of a comment', async () => {
  const { transform } = await only({ 'transforms/a.sql': `${TRANSFORM}; -- the end` })
  expect(splitStatements('a.sql', `SELECT * FROM (${transform.text})`)).toHaveLength(1)
  expect(transform.text.endsWith('}')).toBe(true)
})

test('a transform that reads a table of its own target by the name of a database is refused', async () => {
  const transform = TRANSFORM.replace(
    'FROM',
    'FROM (SELECT * FROM mainnet.int_a UNION ALL SELECT * FROM',
  ).replace('WHERE', ') WHERE')
  await expect(read({ 'transforms/a.sql': transform })).rejects.toThrow(
    "reads 'mainnet.int_a', which has the name of its own target",
  )
})

test('a transform that reads its own target to the right of IN, by the name of a database, is refused', async () => {
  const transform = TRANSFORM.replace('WHERE', 'WHERE block_number - 1 IN mainnet.int_a AND')
  await expect(read({ 'transforms/a.sql': transform })).rejects.toThrow(
    "reads 'mainnet.int_a', which has the name of its own target",
  )
})

test('tables that a transform reads by a pattern are refused, unless its header trusts it', async () => {
  const transform = TRANSFORM.replace(
    'WHERE',
    "WHERE block_number IN (SELECT n FROM merge('mainnet', '^int_')) AND",
  )
  await expect(read({ 'transforms/a.sql': transform })).rejects.toThrow(
    'reads tables by merge(…), which no line of the header can name',
  )
  const trusted = transform.replace('--! rows', '--! outside: merge\n--! rows')
  expect((await read({ 'transforms/a.sql': trusted })).tables).toHaveLength(1)
})

test('an SQL file that would be passed over is named: one that lies deeper, or whose name ends in .SQL', async () => {
  await expect(read({ 'transforms/more/b.sql': TRANSFORM })).rejects.toThrow(
    /transforms\/more\/b\.sql is not read: only files that lie in transforms itself are/,
  )
  await expect(read({ 'ddl/b.SQL': DDL })).rejects.toThrow(/ddl\/b\.SQL is not read/)
  await expect(read({ 'transforms/.more/b.sql': TRANSFORM })).resolves.toBeDefined()
})
