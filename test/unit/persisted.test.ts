// Owns the promise that what is written once is read for ever: whatever a ledger or a lock holds stands here as text.
// A failure means that the ledgers of others are read wrongly: change the text here only with an upgrade beside it.
import { join } from 'node:path'
import { expect, test } from 'vitest'
import {
  readForks,
  readInputs,
  readSourceDatabase,
  writeForks,
  writeInputs,
} from '../../src/ledger/built-from.ts'
import { DIGEST_ONLY, REVOKED } from '../../src/ledger/events.ts'
import { everyForm, withStaleTag, splitStaleTag } from '../../src/ledger/stale.ts'
import { commentLiteral, readInfo } from '../../src/lock/comment.ts'
import { lockName } from '../../src/lock/fence.ts'
import { sqlHash } from '../../src/project/sql-hash.ts'
import { readCatalogue } from '../../src/project/sql-folder.ts'
import { readFingerprint, writeFingerprint } from '../../src/sources/fingerprint.ts'
import { createTable, ddlColumns } from '../../src/sql-syntax/create-table.ts'
import { LEDGER_VERSION } from '../../src/targets/target.ts'
import { normalForm } from '../../src/sql-syntax/statements.ts'
import { repository } from '../support/processes.ts'

test('the fingerprint of a range is written, and read, as these words', () => {
  const text = 'canonical_execution_logs=12@1700000000 canonical_execution_traces=0@0'
  const fingerprint = new Map([
    ['canonical_execution_traces', { blocks: 0, newest: 0 }],
    ['canonical_execution_logs', { blocks: 12, newest: 1_700_000_000 }],
  ])
  expect(writeFingerprint(fingerprint)).toBe(text)
  expect(readFingerprint(text)).toEqual(fingerprint)
  expect(writeFingerprint(new Map())).toBe('')
})

test('forks and inputs that a range was computed from are written, and read, as these words', () => {
  const forks = { shanghai: 17_034_870, dencun: 19_426_587 }
  expect(writeForks(forks)).toBe('dencun=19426587 shanghai=17034870')
  expect(readForks('dencun=19426587 shanghai=17034870')).toEqual(forks)
  const withSource = '@source=my%20chain dencun=19426587 shanghai=17034870'
  expect(writeForks(forks, 'my chain')).toBe(withSource)
  expect(readForks(withSource)).toEqual(forks)
  expect([readSourceDatabase(withSource), readSourceDatabase('dencun=1')]).toEqual(['my chain', undefined])
  const uuid = '6f9619ff-8b86-d011-b42d-00c04fc964ff'
  const inputs = new Map([
    ['post_6780_accounts_destructs', undefined],
    ['address_diffs', { uuid, position: [3, 14] as const }],
  ])
  const text = `address_diffs=${uuid}@3.14 post_6780_accounts_destructs=-`
  expect(writeInputs(inputs)).toBe(text)
  expect(readInputs(text)).toEqual(inputs)
  // Of a table that uses no fork and reads no other table, and of a range of which it is not known.
  expect([writeForks({}), writeInputs(new Map())]).toEqual(['', ''])
  expect([readForks(''), readInputs('')]).toEqual([{}, new Map()])
})

test('the hash of a transform is the same whatever version of the program computes it', () => {
  const sql = {
    file: 'a.sql',
    line: 1,
    text: '-- why\nSELECT a,\n  1 AS b FROM t -- here\nWHERE x = {y:UInt8}',
  }
  const params = [{ name: 'y', type: 'UInt8', value: '7' }]
  expect(sqlHash(sql, { params: [], settings: {} })).toBe(
    '920e81ade7cd26c8136c0bc3edeaaf753287e86f4e4c766fa4c928224a0b392e',
  )
  const at = (position: string) => sqlHash(sql, { params: [], settings: {}, position })
  // By another position the numbers in the ledger are of other rows; that of Xatu's tables is what has none in its header.
  expect(at('block_number')).toBe(sqlHash(sql, { params: [], settings: {} }))
  expect(at('slot')).not.toBe(at('block_number'))
  expect(sqlHash(sql, { params, settings: { join_use_nulls: '1', max_threads: '4' } })).toBe(
    '313188668bc7920ebf11ca8bf565f6ffc1e49479acac91cf79fd56677281305c',
  )
})

test('a tag stands before the hash of a range that is stale whatever the file says', () => {
  expect(everyForm('abc')).toEqual(['abc', 'mixed-abc', 'sources-abc', 'inputs-abc'])
  expect(withStaleTag('sources', 'mixed-abc')).toBe('sources-abc')
  expect(splitStaleTag('mixed-abc')).toEqual({ reason: 'mixed', hash: 'abc' })
  expect(splitStaleTag('sources-abc')).toEqual({ reason: 'sources', hash: 'abc' })
  expect(splitStaleTag('inputs-abc')).toEqual({ reason: 'inputs', hash: 'abc' })
})

test('an acceptance that was taken back is known by the error of its event', () => {
  expect(REVOKED).toBe('acceptance revoked')
  expect(DIGEST_ONLY).toBe('digest only')
})

test('a lock is a name with its epoch in twenty digits, and a comment in JSON', () => {
  const name = lockName({ network: 'mainnet', key: 'address_diffs', epoch: 17 })
  expect(name).toBe('mainnet__address_diffs__00000000000000000017')
  const holder = {
    host: 'db1',
    pid: 4711,
    pidNamespace: '4026531836 of boot b0',
    since: '2026-01-01T00:00:00.000Z',
    heartbeat: '2026-01-01T00:00:05.000Z',
  }
  const comment =
    '{"host":"db1","pid":4711,"pidNamespace":"4026531836 of boot b0","taker":"f3","since":"2026-01-01T00:00:00.000Z","heartbeat":"2026-01-01T00:00:05.000Z","beats":1,"released":false}'
  const { host, pid, pidNamespace, since, heartbeat } = holder
  expect(
    commentLiteral({ host, pid, pidNamespace, taker: 'f3', since, heartbeat, beats: 1, released: false }),
  ).toBe(`'${comment}'`)
  expect(readInfo({ name, comment })).toEqual({ name, epoch: 17, ...holder, released: false, command: '' })
})

/** Name and type of each column, then engine and key, of a table that the program creates for itself. */
async function layoutOf(table: string): Promise<readonly string[]> {
  const { ledger } = await readCatalogue(join(repository, 'sql'))
  const ddl = ledger
    .filter(({ text }) => text.includes('CREATE TABLE'))
    .find((one) => createTable(one).table === table)!
  const form = normalForm(ddl)
  const engine = form.lastIndexOf('ENGINE = ')
  return [
    ...ddlColumns(ddl).map(({ name, type }) => `${name} ${type}`),
    form.slice(engine, form.indexOf(' COMMENT', engine)),
  ]
}

test('the table of pauses and limits has these columns, and each action its number', async () => {
  expect(await layoutOf('steering')).toEqual([
    'network LowCardinality(String)',
    'number UInt64',
    'table_key LowCardinality(String)',
    "action Enum8('pause' = 1, 'limit' = 2, 'resume' = 3)",
    'jobs UInt32',
    "until Nullable(DateTime('UTC'))",
    'person LowCardinality(String)',
    'user LowCardinality(String)',
    'host LowCardinality(String)',
    'tool_version LowCardinality(String)',
    "set_at DateTime64(6, 'UTC')",
    'ENGINE = MergeTree ORDER BY ( network , number , table_key )',
  ])
})

test('what runs say of themselves has these columns', async () => {
  expect(await layoutOf('run_reports')).toEqual([
    'network LowCardinality(String)',
    'run_id UUID',
    'tables Array(LowCardinality(String))',
    'says LowCardinality(String)',
    'reason String',
    'person LowCardinality(String)',
    'user LowCardinality(String)',
    'host LowCardinality(String)',
    'tool_version LowCardinality(String)',
    "said_at DateTime64(6, 'UTC')",
    'ENGINE = ReplacingMergeTree ( said_at ) ORDER BY ( network , run_id )',
  ])
})

test('the ledger has these columns, and each event its number', async () => {
  expect(await layoutOf('ledger')).toEqual([
    'network LowCardinality(String)',
    'table_key LowCardinality(String)',
    'epoch UInt64',
    'seq UInt64',
    "event Enum8('started' = 1, 'done' = 2, 'failed' = 3, 'cleaned' = 4, 'invalidated' = 5, 'accepted' = 6, 'checkpoint' = 7)",
    'range_from UInt64',
    'range_to UInt64',
    'target_uuid UUID',
    'sql_hash LowCardinality(String)',
    'source_fingerprint String',
    'forks LowCardinality(String)',
    'inputs String',
    'digest_rows Nullable(UInt64)',
    'digest_sum Nullable(UInt64)',
    'digest_columns LowCardinality(String)',
    'attempt UInt32',
    'run_id String',
    'query_id String',
    'user LowCardinality(String)',
    'rows_expected UInt64',
    'rows_read UInt64',
    'rows_written UInt64',
    'bytes_read UInt64',
    'peak_memory UInt64',
    'elapsed_ms UInt64',
    'error_code Int32',
    'error String',
    'forced Bool',
    'islands Array(Tuple(range_from UInt64, range_to UInt64, state LowCardinality(String), sql_hash String, forks String, inputs String))',
    'oldest_parts Map(String, Int64)',
    'host LowCardinality(String)',
    'tool_version LowCardinality(String)',
    "event_time DateTime64(6, 'UTC')",
    'ENGINE = MergeTree ORDER BY ( network , table_key , epoch , seq )',
  ])
})

test('the SQL behind the hashes is kept in these columns', async () => {
  expect(await layoutOf('sql_versions')).toEqual([
    'table_key LowCardinality(String)',
    'sql_hash String',
    'raw_hash String',
    'file String',
    'text String',
    'user LowCardinality(String)',
    'host LowCardinality(String)',
    'tool_version LowCardinality(String)',
    "kept_at DateTime64(6, 'UTC')",
    'ENGINE = ReplacingMergeTree ORDER BY ( table_key , sql_hash , raw_hash )',
  ])
})

test('what the last run found in the sources is kept in these columns', async () => {
  expect(await layoutOf('source_probe')).toEqual([
    'network LowCardinality(String)',
    'sources String',
    'source_gaps Array(Tuple(range_from UInt64, range_to UInt64))',
    'incomplete Array(Tuple(range_from UInt64, range_to UInt64))',
    'parts Array(Tuple(source String, hash String, rows UInt64, range_from UInt64, range_to UInt64))',
    'host LowCardinality(String)',
    'tool_version LowCardinality(String)',
    "probed_at DateTime64(6, 'UTC')",
    'ENGINE = ReplacingMergeTree ( probed_at ) ORDER BY ( network , sources )',
  ])
})

test('what the last run saw of each table is kept in these columns', async () => {
  expect(await layoutOf('tables')).toEqual([
    'network LowCardinality(String)',
    'table_key LowCardinality(String)',
    'target_uuid UUID',
    'unit LowCardinality(String)',
    'expected_from Nullable(UInt64)',
    'head Nullable(UInt64)',
    'newest Nullable(UInt64)',
    'source_gaps Array(Tuple(range_from UInt64, range_to UInt64))',
    'incomplete Array(Tuple(range_from UInt64, range_to UInt64))',
    'waiting_for String',
    'sql_hash String',
    'run_id UUID',
    "seen_at DateTime64(6, 'UTC')",
    'ENGINE = ReplacingMergeTree ( seen_at ) ORDER BY ( network , table_key )',
  ])
})

test('the comment of a new ledger says its version, on a cluster too', async () => {
  const { ledger, clusterLedger } = await readCatalogue()
  for (const statements of [ledger, clusterLedger]) {
    const ddl = statements.filter(({ text }) => /\.ledger\b/.test(text) && text.includes('ORDER BY (network'))
    expect(ddl[0]!.text).toMatch(new RegExp(`COMMENT '[^']*; version ${LEDGER_VERSION}'$`))
  }
})
