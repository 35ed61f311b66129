// Owns the lines of docs/reference/permissions.md about a source that is somebody else's: each works, or says what to grant.
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { readCatalogue } from '../../src/project/sql-folder.ts'
import { backfillHere } from '../support/cli.ts'
import { CA_FILE, startFront } from '../support/front.ts'
import { editedFolder } from '../support/edited-folder.ts'
import { rowsOf, startTestServer, type TestServer, uniqueDatabase } from '../support/server.ts'
import { addBlocks, createSourceTables } from '../support/small-chain.ts'
import { launchWithUsers } from '../support/users.ts'
import { SQL_FOLDER } from '../support/workspace.ts'

const TABLE = 'block_slots_stat'
const BLOCKS = 12
const grants = ['GRANT SELECT ON source.*']

let source: Awaited<ReturnType<typeof launchWithUsers>>
let target: TestServer
beforeAll(async () => {
  ;[source, target] = await Promise.all([
    launchWithUsers({
      least: { grants },
      nobody: { grants: ['GRANT SELECT ON elsewhere.*'] },
      reads_only: { grants, profile: { readonly: '1' } },
      reads_only_cut_off: {
        grants,
        profile: { readonly: '1', read_overflow_mode: 'break', max_rows_to_read: '1' },
      },
      reads_only_numbers_as_text: {
        grants,
        profile: { readonly: '1', output_format_json_quote_64bit_integers: '1' },
      },
      sets_but_writes_not: { grants, profile: { readonly: '2' } },
      hurried: {
        grants,
        profile: { max_execution_time: '50' },
        constraints: { max_execution_time: '<max>60</max>' },
      },
      fixed_to_cut_off: {
        grants,
        profile: { group_by_overflow_mode: 'break', sort_overflow_mode: 'break' },
        constraints: { group_by_overflow_mode: '<const/>', sort_overflow_mode: '<const/>' },
      },
      reads_only_limited: { grants, profile: { readonly: '1', limit: '5' } },
      reads_only_offset: { grants, profile: { readonly: '1', offset: '1' } },
      no_packing: { grants, constraints: { http_zlib_compression_level: '<const/>' } },
    }),
    startTestServer(),
  ])
  await createSourceTables(source, await readCatalogue(SQL_FOLDER), 'source')
  await addBlocks(source, 'source', { from: 1, to: BLOCKS })
})
afterAll(async () => {
  await source?.stop()
  await target?.stop()
})

type Person = { readonly username: string; readonly env?: Readonly<Record<string, string>> }

/** A target of its own, and the commands that this person types. */
function as({ username, env = {} }: Person) {
  const databases = { target: uniqueDatabase('target'), ledger: uniqueDatabase('ledger') }
  const run = (...words: readonly string[]) =>
    backfillHere(words, {
      env: {
        SOURCE_CLICKHOUSE_URL: source.url,
        SOURCE_CLICKHOUSE_USERNAME: username,
        SOURCE_CLICKHOUSE_PASSWORD: 'secret',
        SOURCE_CLICKHOUSE_DATABASE: 'source',
        TARGET_CLICKHOUSE_URL: target.url,
        TARGET_CLICKHOUSE_USERNAME: target.username,
        TARGET_CLICKHOUSE_PASSWORD: target.password,
        TARGET_CLICKHOUSE_DATABASE: databases.target,
        BACKFILL_LEDGER_DATABASE: databases.ledger,
        ...env,
      },
    })
  return {
    run,
    up: (...more: readonly string[]) => run('up', '--quiet', '--lag', '0', '--tables', TABLE, ...more),
    async expectAll(): Promise<void> {
      const { code, stderr } = await run('up', '--quiet', '--lag', '0', '--tables', TABLE)
      expect(code, stderr).toBe(0)
      const [row] = await rowsOf<{ blocks: number }>(
        target,
        'SELECT uniqExact(block_number) AS blocks FROM {target:Identifier}.int_block_slots_stat',
        { target: databases.target },
      )
      expect(row!.blocks).toBe(BLOCKS)
    },
    async expectRefusal(message: RegExp, hint: RegExp): Promise<void> {
      const { code, stderr } = await run('up', '--quiet', '--lag', '0', '--tables', TABLE)
      expect(code).not.toBe(0)
      const [first = '', second = ''] = stderr.trimEnd().split('\n').slice(-2)
      expect(first).toMatch(message)
      expect(second).toMatch(hint)
    },
  }
}

test('[source-least] SELECT on the source tables is enough for every command, without any right on system', async () => {
  const person = as({ username: 'least' })
  await person.expectAll()
  for (const words of [
    `status --lag 0 --tables ${TABLE} --check`,
    `plan --lag 0 --tables ${TABLE}`,
    `verify --tables ${TABLE}`,
    `verify --sources --tables ${TABLE}`,
    `preview ${TABLE} --from 1 --to 3`,
    `redo ${TABLE} --from 2 --to 3 --yes --lag 0 --quiet`,
    `rebuild ${TABLE} --drop-old --yes --lag 0 --quiet`,
    `check ${TABLE}`,
    'info',
  ]) {
    const { code, stderr } = await person.run(...words.split(' '))
    expect(code, `${words}: ${stderr}`).toBe(0)
  }
})

test('[source-none] without it the message names the GRANT', () =>
  as({ username: 'nobody' }).expectRefusal(
    /nobody: Not enough privileges/,
    /^ {2}GRANT SELECT ON source\.canonical_execution_storage_diffs TO nobody$/,
  ))

test('[source-readonly-1] a user who may set nothing is sent nothing; its profile is looked at once', async () => {
  const person = as({ username: 'reads_only' })
  await person.expectAll()
  for (const words of [
    `verify --tables ${TABLE}`,
    `preview ${TABLE} --from 1 --to 3`,
    `status --lag 0`,
    `check ${TABLE}`,
  ]) {
    const { code, stderr } = await person.run(...words.split(' '))
    expect(code, `${words}: ${stderr}`).toBe(0)
  }
  const { stdout } = await person.run('info')
  expect(stdout).toMatch(/the source user only reads \(readonly = 1\): .*max_execution_time.* not sent/)
  expect(stdout).toContain('rows stream from source to target, compressed by lz4')
})

test('[source-readonly-1-cut-off] where such a profile could take rows away, it is refused by name', () =>
  as({ username: 'reads_only_cut_off' }).expectRefusal(
    /the profile of user 'reads_only_cut_off' has read_overflow_mode = 'break' \(source .*\), and the user may not change that/,
    /^ {2}Let the user set it \(readonly = 2, no constraint\), or have it set: ALTER USER \w+ SETTINGS read_overflow_mode = 'throw'$/,
  ))

test('[source-readonly-1-meaning] and where it would make answers mean something else', () =>
  as({ username: 'reads_only_numbers_as_text' }).expectRefusal(
    /has output_format_json_quote_64bit_integers = '1'/,
    /ALTER USER \w+ SETTINGS output_format_json_quote_64bit_integers = '0'/,
  ))

test('[source-readonly-2] a user who may set, and not write, is as good as any', async () => {
  const person = as({ username: 'sets_but_writes_not' })
  await person.expectAll()
  const { stdout } = await person.run('info')
  expect(stdout).not.toContain('not sent')
})

test('[source-constraint] a setting beyond its constraint is not sent, where what the profile has is safe', async () => {
  const person = as({ username: 'hurried' })
  await person.expectAll()
  const { stdout } = await person.run('info')
  expect(stdout).toContain('limits on the source user: max_execution_time not sent')
})

test('[source-constraint-cut-off] where it is not, the profile is refused by name, all settings at once', () =>
  as({ username: 'fixed_to_cut_off' }).expectRefusal(
    /has group_by_overflow_mode = 'break', sort_overflow_mode = 'break' \(source/,
    /SETTINGS group_by_overflow_mode = 'throw', sort_overflow_mode = 'throw'/,
  ))

test('[source-limit] a limit and an offset, which the server does not show, are found all the same', async () => {
  const hint = /^ {2}Have limit and offset taken out of the profile/
  await as({ username: 'reads_only_limited' }).expectRefusal(/truncates results \(source .*'limit'/, hint)
  await as({ username: 'reads_only_offset' }).expectRefusal(
    /truncates results \(source .*cannot be read/,
    hint,
  )
})

test('[source-header] a setting that a transform asks for and the user may not set is an error of that file', async () => {
  const sql = editedFolder('transforms/block_slots_stat.sql', (text) =>
    text.replace('--! rows:', '--! settings: max_threads = 1\n--! rows:'),
  )
  const { code, stderr } = await as({ username: 'reads_only' }).up('--sql', sql)
  expect(code).toBe(2)
  expect(stderr).toMatch(
    /block_slots_stat\.sql: the header sets max_threads = 1, and user 'reads_only' of the source server may not/,
  )
})

test('[source-packing] zstd takes settings: a user who may not set them gets lz4, and info says so', async () => {
  const person = as({ username: 'no_packing', env: { BACKFILL_COMPRESSION: 'zstd' } })
  await person.expectAll()
  expect((await person.run('info')).stdout).toContain('rows stream from source to target, compressed by lz4')
  const other = as({ username: 'least', env: { BACKFILL_COMPRESSION: 'zstd' } })
  await other.expectAll()
  expect((await other.run('info')).stdout).toContain('rows stream from source to target, compressed by zstd')
})

async function front(options: Parameters<typeof startFront>[1]): Promise<string> {
  const started = await startFront(source.url, options)
  onTestFinished(() => started.close())
  return started.url
}

test('[source-https] a certificate of a private authority is known by its CA file', async () => {
  const url = await front({ tls: true })
  await as({
    username: 'least',
    env: { SOURCE_CLICKHOUSE_URL: url, SOURCE_CLICKHOUSE_CA_FILE: CA_FILE },
  }).expectAll()
  await as({ username: 'least', env: { SOURCE_CLICKHOUSE_URL: url } }).expectRefusal(
    /^backfill: the certificate of ClickHouse \(source https:.*\) is not signed by a known authority/,
    /^ {2}Set SOURCE_CLICKHOUSE_CA_FILE to the certificate of the authority that signed it, in PEM$/,
  )
})

test('[source-path] a server behind the path of a proxy is reached by its URL; a path that is none is named', async () => {
  const url = await front({ path: '/click/house' })
  await as({ username: 'least', env: { SOURCE_CLICKHOUSE_URL: url } }).expectAll()
  await as({ username: 'least', env: { SOURCE_CLICKHOUSE_URL: url.replace('/house', '/x') } }).expectRefusal(
    /the server at source http:.* is not the HTTP interface of ClickHouse/,
    /\/click\/x is sent as the path of a proxy \(the database is SOURCE_CLICKHOUSE_DATABASE\)/,
  )
})
