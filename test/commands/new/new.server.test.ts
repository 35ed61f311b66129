// Owns the promises of `backfill new`: what it writes is sound as it stands, and it writes over nothing.
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { backfill } from '../../support/cli.ts'
import { backfillInside } from '../../support/inside.ts'
import { temporaryDirectory } from '../../support/processes.ts'
import { SQL_FOLDER } from '../../support/workspace.ts'

/** The project's SQL files without the unit tests, to add to. */
function ownFolder(place = temporaryDirectory()): string {
  const folder = join(place, 'sql')
  mkdirSync(folder, { recursive: true })
  for (const name of ['ddl', 'transforms', 'source', 'ledger', 'networks.json'])
    cpSync(join(SQL_FOLDER, name), join(folder, name), { recursive: true })
  writeFileSync(join(folder, 'source/transfers.sql'), TRANSFERS)
  writeFileSync(join(folder, 'source/votes.sql'), VOTES)
  writeFileSync(join(folder, 'source/seen.sql'), SEEN)
  writeFileSync(join(folder, 'source/slots.sql'), SLOTS)
  return folder
}

const KINDS: Readonly<Record<string, readonly string[]>> = {
  new_a: [],
  new_c: ['--sources', 'transaction,canonical_execution_traces,contracts'],
  new_d: ['--after', 'address_diffs,block_slots_stat'],
  new_e: ['--sources', 'storage_reads', '--after', 'address_first_access'],
  new_f: ['--sources', 'transfers'],
  new_g: ['--sources', 'votes,seen'],
  new_h: ['--after', 'new_g'],
}

/** Blocks in a column of another name, one network, an engine without FINAL; then times. */
const TRANSFERS = `--! position: number
--! network: none
--! written: none
CREATE TABLE IF NOT EXISTS {source:Identifier}.transfers (number UInt64, address FixedString(42)) ENGINE = MergeTree ORDER BY number`
const VOTES = `--! position: toUnixTimestamp(slot_time)
--! network: none
--! written: none
CREATE TABLE IF NOT EXISTS {source:Identifier}.votes (slot_time DateTime, voter UInt32) ENGINE = MergeTree ORDER BY slot_time`
const SEEN = `--! position: toUnixTimestamp(seen_at)
--! written: none
CREATE TABLE IF NOT EXISTS {source:Identifier}.seen (meta_network_name String, seen_at DateTime64(3)) ENGINE = MergeTree ORDER BY seen_at`
const SLOTS = `--! position: slot * 12 + 1606824023
--! unit: second
--! network: none
--! written: none
CREATE TABLE IF NOT EXISTS {source:Identifier}.slots (slot UInt64) ENGINE = MergeTree ORDER BY slot`

test('what it writes passes `check` and `test` as it stands, whatever the table reads and keeps', async () => {
  const folder = ownFolder()
  for (const [key, flags] of Object.entries(KINDS)) {
    const { code, stdout } = await backfillInside(['new', key, ...flags, '--sql', folder])
    expect(code).toBe(0)
    expect(stdout.match(/^Wrote /gm)).toHaveLength(3)
  }
  const checked = await backfillInside(['check', '--offline', '--sql', folder])
  expect(checked.stdout).toBe('Checked 18 tables and 7 unit tests without a server: no errors\n')
  const tested = await backfillInside(['test', ...Object.keys(KINDS), '--sql', folder])
  expect(tested.stdout).toContain('7 tests: 7 passed')
})

test.for<{ what: string; words: readonly string[]; says: string }>([
  { what: 'no name', words: [], says: '`new` needs the key of the table' },
  { what: 'a bad name', words: ['Gas'], says: "'Gas' is not a table key" },
  { what: 'a path', words: ['../gas'], says: "'../gas' is not a table key" },
  { what: 'two names', words: ['gas', 'fees'], says: "'gas,fees' is not a table key" },
  { what: 'a name that is too long for a lock', words: ['a'.repeat(81)], says: 'has 81 characters' },
  {
    what: 'a table that exists',
    words: ['address_diffs'],
    says: 'address_diffs.sql has a table of that name',
  },
  { what: 'an unknown source', words: ['gas', '--sources', 'trace'], says: "no source table 'trace'" },
  {
    what: 'a source without a file',
    words: ['gas', '--sources', 'trades'],
    says: 'for another source write source/trades.sql with its CREATE TABLE',
  },
  {
    what: 'a source of blocks beside one of times',
    words: ['gas', '--sources', 'transaction,votes'],
    says: 'canonical_execution_transaction counts blocks and votes seconds',
  },
  {
    what: 'a source whose time is in no column',
    words: ['gas', '--sources', 'slots'],
    says: "slots has no column of seconds 'slot * 12 + 1606824023'",
  },
  {
    what: 'an input that keeps the latest row of a key',
    words: ['gas', '--after', 'accounts_alive'],
    says: 'keeps the latest row of a key',
  },
  { what: 'an unknown input', words: ['gas', '--after', 'int_address_diffs'], says: 'no table' },
])('$what is refused, and nothing is written', async ({ words, says }) => {
  const folder = ownFolder()
  const before = readdirSync(folder, { recursive: true })
  const { code, stdout, stderr } = await backfillInside(['new', ...words, '--sql', folder])
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  expect(stderr).toContain(says)
  expect(readdirSync(folder, { recursive: true })).toEqual(before)
})

test('a file that is there is never written over, and the others are not written either', async () => {
  const folder = ownFolder()
  mkdirSync(join(folder, 'tests/gas'), { recursive: true })
  writeFileSync(join(folder, 'tests/gas/range.yaml'), 'mine')
  const { code, stderr } = await backfillInside(['new', 'gas', '--sql', folder])
  expect(code).toBe(2)
  expect(stderr).toContain('tests/gas/range.yaml exists already')
  expect(readFileSync(join(folder, 'tests/gas/range.yaml'), 'utf8')).toBe('mine')
  expect(existsSync(join(folder, 'ddl/gas.sql'))).toBe(false)
})

test("an installed package's folder is refused with the way out; another table's error is no hindrance", async () => {
  const place = temporaryDirectory()
  const folder = ownFolder(join(place, 'node_modules/clickhouse-backfill'))
  const refused = await backfill(['new', 'gas', '--sql', folder], { cwd: place })
  expect(refused.code).toBe(2)
  expect(refused.stderr).toContain('belongs to an installed package')
  expect(refused.stderr).toContain('`backfill init` makes a folder of your own here')
  cpSync(folder, join(place, 'sql'), { recursive: true })
  writeFileSync(join(place, 'sql/transforms/address_diffs.sql'), '--! nothing')
  expect((await backfill(['new', 'gas', '--sql', 'sql'], { cwd: place })).stderr).toContain(
    '`backfill check gas --offline`',
  )
})

test('the test of a new table passes whatever its source calls position and network', async () => {
  const cwd = temporaryDirectory()
  mkdirSync(join(cwd, 'sql/source'), { recursive: true })
  mkdirSync(join(cwd, 'sql/transforms'))
  writeFileSync(
    join(cwd, 'sql/source/orders.sql'),
    `--! position: height\n--! network: chain\n--! written: none\n
CREATE TABLE {source:Identifier}.orders (height UInt64, chain String) ENGINE = MergeTree ORDER BY height\n`,
  )
  expect(await backfill(['new', 'per_height', '--sources', 'orders'], { cwd })).toMatchObject({ code: 0 })
  const transform = join(cwd, 'sql/transforms/per_height.sql')
  writeFileSync(transform, readFileSync(transform, 'utf8').replace('.orders FINAL', '.orders'))
  const { code, stdout } = await backfill(['test'], { cwd })
  expect([code, stdout]).toEqual([0, expect.stringContaining('1 test: 1 passed')])
})
