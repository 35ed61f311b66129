// Owns the tables of the world rounds: a folder of SQL with six small tables that read one another, and what each of them
// must hold, computed from the source's values without any SQL.
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { post, rowsOf } from '../support/server.ts'
import { SQL_FOLDER } from '../support/workspace.ts'
import type { Login } from './ground.ts'

type WorldTable = {
  readonly key: string
  readonly after: readonly string[]
  readonly perKey: boolean
  readonly header: string
  readonly ddl: string
  readonly select: string
  /** Position and content of each row, from the value of each block. */
  readonly rows: (values: ReadonlyMap<number, number>) => ReadonlyMap<number, number>
}

const BETWEEN = 'block_number BETWEEN {from_block:UInt64} AND {to_block:UInt64}'

/** The first block of each remainder by five. */
function firsts(values: ReadonlyMap<number, number>): Map<number, number> {
  const found = new Map<number, number>()
  for (const [block, value] of values) if (!found.has(value % 5)) found.set(value % 5, block)
  return found
}

function newcomers(values: ReadonlyMap<number, number>): Map<number, number> {
  const blocks = [...firsts(values).values()]
  return new Map(blocks.map((block) => [block, blocks.filter((one) => one === block).length]))
}

/** In the order of dependencies. */
export const WORLD_TABLES: readonly WorldTable[] = [
  {
    key: 'vals',
    after: [],
    perKey: false,
    header: '--! sources: canonical_execution_transaction\n--! rows: per-block',
    ddl: '(block_number UInt32, v UInt32) ENGINE = ReplacingMergeTree PARTITION BY intDiv(block_number, 5) ORDER BY block_number',
    select: `SELECT toUInt32(block) AS block_number, toUInt32(any(gas_used)) AS v FROM (
      SELECT block_number AS block, gas_used FROM {source:Identifier}.canonical_execution_transaction FINAL
      WHERE meta_network_name = {network:String} AND ${BETWEEN}) GROUP BY block`,
    rows: (values) => new Map(values),
  },
  {
    key: 'doubles',
    after: ['vals'],
    perKey: false,
    header: '--! after: vals\n--! rows: per-block',
    ddl: '(block_number UInt32, d UInt32) ENGINE = ReplacingMergeTree PARTITION BY intDiv(block_number, 5) ORDER BY block_number',
    select: `SELECT block_number, toUInt32(v * 2) AS d FROM {target:Identifier}.int_vals FINAL WHERE ${BETWEEN}`,
    rows: (values) => new Map([...values].map(([block, value]) => [block, value * 2])),
  },
  {
    key: 'firsts',
    after: ['vals'],
    perKey: true,
    header: '--! after: vals\n--! rows: per-key earliest block_number',
    ddl: `(remainder UInt8, block_number UInt32, version UInt32 DEFAULT 4294967295 - block_number)
      ENGINE = ReplacingMergeTree(version) PARTITION BY remainder % 2 ORDER BY remainder`,
    select: `SELECT toUInt8(r) AS remainder, toUInt32(min(b)) AS block_number FROM (
      SELECT v % 5 AS r, block_number AS b FROM {target:Identifier}.int_vals FINAL WHERE ${BETWEEN}) GROUP BY r`,
    rows: firsts,
  },
  {
    key: 'newcomers',
    after: ['firsts'],
    perKey: false,
    header: '--! after: firsts\n--! rows: per-block',
    ddl: '(block_number UInt32, n UInt8) ENGINE = ReplacingMergeTree PARTITION BY intDiv(block_number, 5) ORDER BY block_number',
    select: `SELECT toUInt32(b) AS block_number, toUInt8(count()) AS n FROM (
      SELECT block_number AS b FROM {target:Identifier}.int_firsts FINAL WHERE ${BETWEEN}) GROUP BY b`,
    rows: newcomers,
  },
  {
    key: 'lasts',
    after: ['doubles'],
    perKey: true,
    header: '--! after: doubles\n--! rows: per-key latest block_number',
    ddl: '(remainder UInt8, block_number UInt32) ENGINE = ReplacingMergeTree(block_number) PARTITION BY remainder % 2 ORDER BY remainder',
    select: `SELECT toUInt8(r) AS remainder, toUInt32(max(b)) AS block_number FROM (
      SELECT d % 7 AS r, block_number AS b FROM {target:Identifier}.int_doubles FINAL WHERE ${BETWEEN}) GROUP BY r`,
    rows: (values) => new Map([...values].map(([block, value]) => [(value * 2) % 7, block])),
  },
  {
    key: 'sums',
    after: ['vals', 'newcomers'],
    perKey: false,
    header: '--! after: vals, newcomers\n--! rows: per-block',
    ddl: '(block_number UInt32, s UInt32) ENGINE = ReplacingMergeTree PARTITION BY intDiv(block_number, 5) ORDER BY block_number',
    select: `SELECT toUInt32(b) AS block_number, toUInt32(sum(x)) AS s FROM (
      SELECT block_number AS b, v AS x FROM {target:Identifier}.int_vals FINAL WHERE ${BETWEEN}
      UNION ALL SELECT block_number AS b, n AS x FROM {target:Identifier}.int_newcomers FINAL WHERE ${BETWEEN}) GROUP BY b`,
    rows: (values) => {
      const found = newcomers(values)
      return new Map([...values].map(([block, value]) => [block, value + (found.get(block) ?? 0)]))
    },
  },
]

/** `wide`: a block depends on all earlier blocks of it, because it, or a table between, keeps one row per key over all blocks. */
type Input = { readonly key: string; readonly wide: boolean }

/** The table, all tables that it reads, and those that these read. */
export function withInputs(key: string, wide = false): readonly Input[] {
  const { after, perKey } = WORLD_TABLES.find((table) => table.key === key)!
  const own = { key, wide: wide || perKey }
  return [own, ...after.flatMap((input) => withInputs(input, own.wide))]
}

export function worldFolder(): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'backfill-world-sql-'))
  for (const name of ['source', 'ledger', 'networks.json', 'log', 'import', 'doctor'])
    cpSync(join(SQL_FOLDER, name), join(path, name), { recursive: true })
  for (const name of ['ddl', 'transforms']) mkdirSync(join(path, name))
  for (const { key, header, ddl, select } of WORLD_TABLES) {
    const create = `CREATE TABLE IF NOT EXISTS {target:Identifier}.int_${key} ${ddl}\n`
    writeFileSync(join(path, 'ddl', `${key}.sql`), create)
    const text = `--! description: The ${key} of a world round\n--! target: int_${key}\n${header}\n\n${select}\n`
    writeFileSync(join(path, 'transforms', `${key}.sql`), text)
  }
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) }
}

/** The rows that stand in a table; undefined if it does not exist. */
export async function rowsIn(
  server: Login,
  target: string,
  key: string,
): Promise<ReadonlyMap<number, number> | undefined> {
  const [exists] = await rowsOf<{ columns: string }>(
    server,
    `SELECT arrayStringConcat(arraySlice(groupArray(name), 1, 2), ', ') AS columns FROM (
      SELECT name FROM system.columns WHERE database = {target:String} AND table = {table:String} ORDER BY position) HAVING columns != ''`,
    { target, table: `int_${key}` },
  )
  if (exists === undefined) return undefined
  const rows = await rowsOf<{ row: readonly [number, number] }>(
    server,
    `SELECT [${exists.columns}] AS row FROM {target:Identifier}.{table:Identifier} FINAL`,
    { target, table: `int_${key}` },
  )
  return new Map(rows.map(({ row }) => row))
}

/** Writes the values of blocks as source rows, in the place of those of earlier versions. */
export async function setValues(
  server: Login,
  source: string,
  values: ReadonlyMap<number, number>,
  version: number,
): Promise<void> {
  const list = [...values].map(([block, value]) => `(${block}, ${value})`).join()
  await post(
    server,
    `INSERT INTO {source:Identifier}.canonical_execution_transaction
      (updated_date_time, meta_network_name, block_number, transaction_hash, gas_used, success)
    SELECT toDateTime(1700000000 + {version:UInt32}), 'mainnet', b, leftPad('', 66, '0'), v, true FROM values('b UInt64, v UInt64', ${list})`,
    { source, version },
  )
}
