// Owns the promises of `demo`: what a stranger sees first, and that chunks of any size lead to the same tables.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { EmbeddedServer } from '../../../src/embedded/embedded-server.ts'
import { readCatalogue } from '../../../src/project/sql-folder.ts'
import { backfill, backfillHere, environmentFor } from '../../support/cli.ts'
import { serve } from '../../support/embedded.ts'
import { rowsOf } from '../../support/server.ts'
import { SQL_FOLDER } from '../../support/workspace.ts'

// Facts of the sample chain (sql/demo, sql/networks.json).
const LAST = 20_000
const DENCUN = 14_000
const HOLE = { from: 9001, to: 11_500 }
/** 5100 and 15200 are missing in the traces, 12500 in the transactions, 17300 in the nonce diffs. */
const NONCES_DISAGREE = [12_500, 17_300]

/**
 * Held for each table that reads two sources in which every transaction leaves a row, or tables that do. Traces alone
 * prove no transaction: a table of traces does not miss 12500.
 */
const HELD: Readonly<Record<string, readonly number[]>> = {
  address_diffs: NONCES_DISAGREE,
  address_first_access: NONCES_DISAGREE,
  address_last_access: NONCES_DISAGREE,
  pre_6780_accounts_destructs: [5100],
  post_6780_accounts_destructs: [15_200],
  accounts_alive: [5100, 12_500, 15_200, 17_300],
}

let cwd: string
beforeAll(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'backfill-demo-'))
})
afterAll(() => rm(cwd, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 }))

test('the demo does every block outside source gap and incomplete blocks; again it has nothing to do', async () => {
  const { tables } = await readCatalogue(SQL_FOLDER)
  const first = await backfill(['demo'], { cwd })
  expect(first.code, first.stderr).toBe(0)
  const percentages = [...first.stdout.matchAll(/^(\w+) .* (\d+\.\d %)/gm)].map(([, key, done]) => [
    key,
    done,
  ])
  expect(percentages).toEqual(tables.map(({ key }) => [key, '100.0 %']))

  const json = await backfill(
    ['status', '--json', '--check', '--embedded', '--network', 'demo', '--lag', '0'],
    { cwd },
  )
  // The sample chain is of 2024: its incomplete blocks have waited for more than a day.
  expect(json.code).toBe(3)
  expect(json.stderr).toMatch(
    /^status --check: demo: exit 3: .*: block 5100 is incomplete for longer than --max-incomplete-age/m,
  )
  expect(json.stderr).not.toContain('missing')
  const status = JSON.parse(json.stdout) as { tables: { table: string }[] }
  expect(status.tables).toHaveLength(tables.length)
  for (const table of status.tables) expect(table, table.table).toMatchObject(expectedOf(table.table))

  const second = await backfill(['demo'], { cwd })
  expect(second.code, second.stderr).toBe(0)
  expect(second.stdout).toMatch(/^\S+Z Nothing to do; .*\n/)

  const server = await serve(join(cwd, 'state/embedded'))
  const [done] = await rowsOf<{ chunks: number; rows: number; runs: number }>(
    server,
    `SELECT countIf(event = 'done') AS chunks, sumIf(rows_written, event = 'done') AS rows, uniqExact(run_id) AS runs
    FROM backfill.ledger`,
  )
  expect(first.stdout).toContain(`Done: ${grouped(done!.chunks)} chunks, `)
  expect(first.stdout).toContain(` blocks, ${grouped(done!.rows)} rows in `)
  expect(done!.runs, 'runs that left an event').toBe(1)
})

test('small chunks lead to the same tables, and a table follows its inputs chunk by chunk', async () => {
  const server = await serve(join(cwd, 'state/embedded'))
  const databases = { source: 'default', target: 'small', ledger: 'small_ledger' }
  const env = {
    ...environmentFor(server, databases),
    BACKFILL_NETWORK: 'demo',
    BACKFILL_LAG: '0',
    BACKFILL_JOBS: '4',
  }
  const inputs = ['address_diffs', 'pre_6780_accounts_destructs', 'post_6780_accounts_destructs']
  const across = ['--from', `${DENCUN - 1000}`, '--to', `${DENCUN + 999}`]
  const follow = await backfillHere(
    ['up', '--tables', ['accounts_alive', ...inputs].join(), '--chunk', '250', ...across],
    { env },
  )
  expect(follow.code, follow.stderr).toBe(0)
  const [order] = await rowsOf<Record<string, number>>(
    server,
    `SELECT
      minIf(event_time, table_key = 'accounts_alive' AND event = 'done')
        < maxIf(event_time, table_key != 'accounts_alive' AND event = 'started') AS follows,
      countIf(table_key = 'accounts_alive' AND event = 'done') AS chunks,
      maxIf(range_to, table_key = 'accounts_alive' AND event = 'done') AS last
    FROM small_ledger.ledger`,
  )
  expect(order).toEqual({ follows: 1, chunks: 8, last: DENCUN + 999 })

  const rest = await backfillHere(['up', '--chunk', '4000'], { env })
  expect(rest.code, rest.stderr).toBe(0)
  const { tables } = await readCatalogue(SQL_FOLDER)
  for (const { target } of tables) {
    const small = await contentOf(server, 'small', target)
    expect(small, target).toEqual(await contentOf(server, 'demo', target))
    expect(small.keys, `keys of ${target}`).toBe(small.rows)
    expect(small.rows, target).toBeGreaterThan(0)
  }
})

/** What must be true of a table after the demo, by the facts of the chain. */
function expectedOf(key: string) {
  const [first, head] = [
    key === 'post_6780_accounts_destructs' ? DENCUN : 1,
    key === 'pre_6780_accounts_destructs' ? DENCUN - 1 : LAST,
  ]
  const incomplete = HELD[key] ?? []
  const sourceGaps = first > HOLE.to ? [] : [[HOLE.from, HOLE.to]]
  return {
    first,
    head,
    watermark: Math.min(...incomplete, ...sourceGaps.flat(), head + 1) - 1,
    missing_blocks: 0,
    source_gaps: sourceGaps,
    incomplete: incomplete.map((block) => [block, block]),
    dirty: [],
    stale: [],
    state: incomplete.length > 0 ? 'waiting' : 'up to date',
  }
}

type Content = { readonly rows: number; readonly keys: number; readonly hash: string }

/** Rows after merging, distinct keys, and a hash of all rows in any order. */
async function contentOf(server: EmbeddedServer, database: string, table: string): Promise<Content> {
  const key = await rowsOf<{ sorting_key: string }>(
    server,
    'SELECT sorting_key FROM system.tables WHERE database = {database:String} AND name = {table:String}',
    { database, table },
  )
  const [content] = await rowsOf<Content>(
    server,
    `SELECT count() AS rows, uniqExact(${key[0]!.sorting_key}) AS keys, toString(sum(sipHash64(*))) AS hash
    FROM {database:Identifier}.{table:Identifier} FINAL`,
    { database, table },
  )
  return content!
}

function grouped(value: number): string {
  return value.toLocaleString('en-US')
}

test('a demo of tables that read other sources than the sample chain says so', async () => {
  const own = join(cwd, 'own')
  await mkdir(join(own, 'sql/source'), { recursive: true })
  await mkdir(join(own, 'sql/transforms'))
  const ddl =
    'CREATE TABLE {source:Identifier}.orders (height UInt64) ENGINE = ReplacingMergeTree ORDER BY height'
  const head = '--! position: height\n--! network: none\n--! written: none\n'
  await writeFile(join(own, 'sql/source/orders.sql'), `${head}\n${ddl}\n`)
  await backfillHere(['new', 'per_height', '--sources', 'orders'], { cwd: own })
  const { code, stderr } = await backfillHere(['demo'], { cwd: own })
  expect([code, stderr]).toEqual([
    2,
    expect.stringContaining('the sample chain has no rows for per_height: its tables are'),
  ])
})
