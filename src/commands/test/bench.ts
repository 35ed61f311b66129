// Owns the running of unit tests on a scratch server, one after the other, in one statement and in the other ways in which a run may compute the range.
// Tables are created once and truncated.
import { tablesReadBy } from '../../model/choose.ts'
import type { Catalogue, SqlText, TableDefinition } from '../../model/model.ts'
import { type Range, formatRange } from '../../model/blocks.ts'
import { columnProblems } from '../../sql-syntax/column-fit.ts'
import { inJson, NUMBERS_AS_TEXT, NUMBERS_STAY } from './real-rows.ts'
import { ddlColumns, createTable } from '../../sql-syntax/create-table.ts'
import { insertData } from './insert-data.ts'
import type { Row } from './rows.ts'
import type { UnitTest } from './test-case.ts'
import { quoteIdentifier } from '../../sql-syntax/quoting.ts'
import { BackfillError } from '../../model/errors.ts'
import { messageOf } from '../../clickhouse/server-error.ts'
import type { Server } from '../../clickhouse/server.ts'
import { columnsOfDdl } from '../../clickhouse/server-words.ts'
import { describeSelect, transformParams } from '../../targets/transform.ts'
import { standaloneForm } from '../../sql-syntax/table-forms.ts'
import { monotonicMs } from '../../seam/clock.ts'
import { readEngine } from '../../sql-syntax/ddl-clauses.ts'

/** A row as the server printed it, in the order of the compared columns. */
export type Values = readonly unknown[]

export type RowDiff = {
  readonly missing: readonly Values[]
  readonly unexpected: readonly Values[]
  readonly same: number
}

export type UnitTestResult = {
  readonly test: UnitTest
  readonly passed: boolean
  readonly elapsedMs: number
  /** The server's error if the transform or the INSERT of the rows failed; or that only two statements make other rows. */
  readonly error: string | undefined
  readonly diff: RowDiff
}

export type TestBench = Awaited<ReturnType<typeof openTestBench>>

/** Merges are stopped, so that rows are compared as they were written. Benches of one server have different names. */
export async function openTestBench(server: Server, catalogue: Catalogue, name: string) {
  const { client } = server
  const [given, expected, computed] = [`${name}_given`, `${name}_expected`, `${name}_computed`]
  const created = new Map<string, Promise<void>>()
  const described = new Map<string, Promise<readonly string[]>>()
  await client.command({ query: 'SYSTEM STOP MERGES' })
  for (const database of [given, expected, computed])
    await client.command({ query: `CREATE DATABASE ${database}` })

  /** A table that reads its own rows is an input and a target. */
  async function create(table: string, ddl: SqlText): Promise<void> {
    const known = created.get(table)
    const query_params = { source: given, target: given }
    const creation = known ?? client.command({ query: standaloneForm(ddl), query_params })
    created.set(table, creation)
    await creation
  }

  async function fill(table: string, ddl: SqlText, rows: readonly Row[]): Promise<void> {
    await create(table, ddl)
    await client.command({ query: `TRUNCATE TABLE ${placeOf(given, table)}` })
    await insertRows(given, table, ddl, rows)
  }

  async function createTargets({ target, ddl }: TableDefinition): Promise<void> {
    await create(target, ddl)
    for (const database of [expected, computed])
      await client.command({
        query: `CREATE OR REPLACE TABLE ${placeOf(database, target)} AS ${placeOf(given, target)} ENGINE = Memory`,
      })
  }

  async function insertRows(database: string, table: string, ddl: SqlText, rows: readonly Row[]) {
    for (const data of insertData(ddl, rows))
      await client.command({
        query: `INSERT INTO ${placeOf(database, table)} ${data}`,
        // Rows of one key stay separate rows, as on a server that has not merged them yet.
        clickhouse_settings: { ...ONE_THREAD, optimize_on_insert: 0 },
      })
  }

  async function prepare({ table, given: inputs, expected: { rows } }: UnitTest): Promise<void> {
    await Promise.all([
      ...tablesReadBy(table, catalogue).map((read) =>
        fill(read.table, read.ddl, inputs.get(read.table) ?? []),
      ),
      createTargets(table).then(() => insertRows(expected, table.target, table.ddl, rows)),
    ])
  }

  async function compute({ table, network }: UnitTest, range: Range): Promise<void> {
    const place = { database: given }
    const query_params = transformParams({ table, range, network, source: place, target: place })
    const known = described.get(table.key) ?? outputColumns(server, table, query_params)
    described.set(table.key, known)
    const list = (await known).join(', ')
    await client.command({
      query: `INSERT INTO ${placeOf(computed, table.target)} (${list})\nSELECT ${list} FROM (\n${table.transform.text}\n)`,
      query_params,
      // Two rows of one key stay two rows, whatever engine the table of the way before had.
      clickhouse_settings: { ...ONE_THREAD, ...table.settings, optimize_on_insert: 0 },
    })
  }

  /** Computes the table from the prepared rows, one range after the other, and compares. @throws BackfillError */
  async function compare(
    test: UnitTest,
    { ranges, merges }: Pick<Way, 'ranges' | 'merges'> = { ranges: [test.range], merges: false },
  ): Promise<RowDiff> {
    const { target } = test.table
    const place = placeOf(computed, target)
    const empty = `CREATE OR REPLACE TABLE ${place} AS ${placeOf(given, target)}`
    await client.command({ query: merges ? empty : `TRUNCATE TABLE ${place}` })
    for (const range of ranges) await compute(test, range)
    const wanted = test.expected.columns
    const list = wanted.map(quoteIdentifier).join(', ')
    const compared = inJson(ddlColumns(test.table.ddl).filter((column) => wanted.includes(column.name)))
    // The number of equal rows matters.
    const rows = await client.rows<[more: number, same: number, ...Values]>({
      query: `SELECT toInt32(sum(backfill_side)), toInt32(least(countIf(backfill_side > 0), countIf(backfill_side < 0))), ${list}
        FROM (
          SELECT 1 AS backfill_side, ${compared} FROM ${placeOf(expected, target)} ${NUMBERS_STAY}
          UNION ALL
          SELECT -1 AS backfill_side, ${compared} FROM ${place}${merges ? ' FINAL' : ''} ${NUMBERS_STAY}
        ) GROUP BY ${list} ORDER BY ${list}`,
      clickhouse_settings: { ...ONE_THREAD, ...NUMBERS_AS_TEXT },
      format: 'JSONCompact',
    })
    const more = (sign: number) =>
      rows.flatMap(([one, , ...values]) => Array.from({ length: Math.max(0, sign * one) }, () => values))
    return { missing: more(1), unexpected: more(-1), same: rows.reduce((sum, [, same]) => sum + same, 0) }
  }

  /** An error of the SQL or of the rows is part of the result. @throws BackfillError `server` */
  async function run(test: UnitTest): Promise<UnitTestResult> {
    const started = monotonicMs()
    const result = (error: string | undefined, diff: RowDiff): UnitTestResult => ({
      test,
      passed: error === undefined && isSame(diff),
      elapsedMs: Math.round(monotonicMs() - started),
      error,
      diff,
    })
    try {
      await prepare(test)
      const whole = await compare(test)
      if (!isSame(whole)) return result(undefined, whole)
      for (const way of otherWays(test.table, test.range)) {
        const diff = await compare(test, way)
        if (!isSame(diff)) return result(way.wrong, diff)
      }
      return result(undefined, whole)
    } catch (error) {
      const isAnswer = error instanceof ColumnMisfit || (error instanceof BackfillError && error.code !== 0)
      if (!isAnswer) throw error
      return result(messageOf(error), { missing: [], unexpected: [], same: 0 })
    }
  }

  return { run, compare }
}

function isSame({ missing, unexpected }: RowDiff): boolean {
  return missing.length + unexpected.length === 0
}

/** One thread is faster for a few rows, and it makes an unspecified order repeatable. */
const ONE_THREAD = {
  max_threads: 1,
  input_format_parallel_parsing: 0,
  output_format_parallel_formatting: 0,
} as const

function placeOf(database: string, table: string): string {
  return `${database}.${quoteIdentifier(table)}`
}

/** The transform's columns do not fit the target, so `up` would refuse it. */
class ColumnMisfit extends Error {}

async function outputColumns(
  server: Server,
  { transform, ddl, settings }: TableDefinition,
  params: Record<string, unknown>,
): Promise<readonly string[]> {
  const columns = await describeSelect(server, transform.text, { params, settings })
  const problems = columnProblems(columns, await columnsOfDdl(server, ddl))
  if (problems.length > 0) throw new ColumnMisfit(problems.join('; '))
  return columns.map(({ name }) => quoteIdentifier(name))
}

/** `ranges`: in the order in which they run. `merges`: rows of one key become one, as in the target. `wrong`: what is so if the rows differ. */
export type Way = { readonly ranges: readonly Range[]; readonly merges: boolean; readonly wrong: string }

/** A range of more blocks is cut into halves: each piece is a statement. */
const MOST_BLOCKS = 16

/**
 * Block by block, or in halves, the latest first (forwards if the table runs in order); and twice over, if rows replace each other. None
 * for a table that reads its own rows: a test has those of the blocks before only.
 */
export function otherWays({ sequential, rows, ddl }: TableDefinition, range: Range): readonly Way[] {
  if (sequential === 'itself') return []
  const { from, to } = range
  const size = to - from < MOST_BLOCKS ? 1 : Math.ceil((to - from + 1) / 2)
  const starts = Array.from({ length: Math.ceil((to - from + 1) / size) }, (_, at) => from + at * size)
  const forwards = starts.map((start) => ({ from: start, to: Math.min(to, start + size - 1) }))
  const pieces = sequential === undefined ? forwards.toReversed() : forwards
  const engine = readEngine(createTable(ddl).clauses.get('ENGINE') ?? [])
  // With a second column, `is_deleted`, FINAL leaves rows out that a test expects.
  const replaces = engine?.name === 'ReplacingMergeTree' && !engine.text.includes(' , ')
  return [
    ...(from < to ? [asWay(pieces, rows.kind === 'per-key', 'in pieces', ALONE)] : []),
    ...(replaces ? [asWay([range, range], true, 'twice over', AGAIN)] : []),
  ]
}

function asWay(ranges: readonly Range[], merges: boolean, how: string, rule: string): Way {
  const order = ranges.map(formatRange).join(', then ')
  const wrong = `the rows are as expected in one statement, but not ${how}: ${rule} (${order})`
  return { ranges, merges, wrong }
}

const ALONE = 'rows of a range must depend on that range alone'
const AGAIN = 'the sorting key must tell rows apart, and a row must be the same each time'
