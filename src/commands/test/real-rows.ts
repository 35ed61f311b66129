// Owns the reading of real rows for a test: a transform's input rows in a range, and its output. Reads only.
import { namedBlocks } from '../../model/blocks.ts'
import { usageError } from '../../model/errors.ts'
import type { TableDefinition } from '../../model/model.ts'
import type { Cell, Row } from './rows.ts'
import type { UnitTest } from './test-case.ts'
import type { Connection } from '../../clickhouse/connection.ts'
import { quoteIdentifier, quoteString } from '../../sql-syntax/quoting.ts'
import { isDynamic, parseType } from '../../sql-syntax/types.ts'
import type { Server } from '../../clickhouse/server.ts'
import { openServers } from '../../clickhouse/servers.ts'
import { describeSelect, transformParams } from '../../targets/transform.ts'
import { volatileNames } from '../../targets/volatile-outputs.ts'

type Column = { readonly name: string; readonly type: string }

export type Input = {
  readonly side: 'source' | 'target'
  readonly table: string
  readonly columns: readonly Column[]
  /** Undefined: it is a look-up, which is read whole. */
  readonly position: string | undefined
  /** The column with the network's name; undefined: all rows are of the network. */
  readonly network: string | undefined
}

/** A limit, because people read tests. */
const MOST_ROWS = 10_000

/** @throws BackfillError `usage` for a range with too many rows or with none; `server`, `failed` as the server says */
export async function readRealRows(
  connections: { readonly source: Connection; readonly target: Connection },
  { table, range, network }: Pick<UnitTest, 'table' | 'range' | 'network'>,
  inputs: readonly Input[],
): Promise<Pick<UnitTest, 'given'> & { readonly expected: readonly Row[] }> {
  const servers = await openServers(connections)
  const params = transformParams({ table, range, network, ...connections })
  try {
    const reader = servers[table.sources.length === 0 ? 'target' : 'source']
    const select = table.transform.text
    const volatile = await volatileNames(reader, table.transform)
    const columns = (await describeSelect(reader, select, { params, settings: table.settings })).filter(
      ({ name, type }) => !isState(type) && !volatile.has(name),
    )
    const query = `SELECT ${inJson(columns)} FROM (\n${select}\n)`
    const compute = (filters: TableDefinition['settings'] = {}) =>
      rowsOf(reader, query, params, { ...table.settings, ...filters })
    const expected = await compute()
    const within = (position: string, margin: number) =>
      `${position} BETWEEN ${Math.max(0, range.from - margin)} AND ${range.to + margin}`
    const margin = await marginOf(expected, (most) => {
      const filters = inputs
        .filter(({ position }) => position !== undefined)
        .map(({ side, table: name, position }) =>
          [`${connections[side].database}.${name}`, within(position!, most)].map(quoteString).join(': '),
        )
      return compute({ additional_table_filters: `{${filters.join(', ')}}` })
    })
    const given = new Map<string, readonly Row[]>()
    for (const { side, table: name, columns: read, position, network: column } of inputs) {
      const where = [
        ...(column === undefined ? [] : [`${quoteIdentifier(column)} = {network:String}`]),
        ...(position === undefined ? [] : [within(position, margin)]),
      ]
      const rows = `SELECT ${inJson(read)} FROM {${side}:Identifier}.${quoteIdentifier(name)}
        ${where.length === 0 ? '' : `WHERE ${where.join(' AND ')}`}`
      // The setting, unlike the word, is no error for an engine that merges nothing.
      given.set(name, await rowsOf(servers[side], rows, params, { final: '1' }))
    }
    if ([...given.values()].every((rows) => rows.length === 0)) {
      const sentence = `${namedBlocks([range])}: no row of ${network.name} in the tables that ${table.key} reads`
      throw usageError(sentence, '`backfill status` shows which blocks there are')
    }
    return { given, expected }
  } finally {
    await servers.close()
  }
}

/** How far around its range a statement reads: the smallest distance tried with which it yields the same rows. Too far for a test, or a user who may not set filters: 0. */
async function marginOf(
  expected: readonly Row[],
  within: (margin: number) => Promise<readonly Row[]>,
): Promise<number> {
  for (const margin of MARGINS) {
    const rows = await within(margin).catch(() => undefined)
    if (rows === undefined) return 0
    if (JSON.stringify(rows) === JSON.stringify(expected)) return margin
  }
  return 0
}

const MARGINS = [0, 1, 12, 60, 384, 3600, 86_400]

async function rowsOf(
  { client }: Server,
  query: string,
  params: Record<string, unknown>,
  settings: TableDefinition['settings'],
): Promise<readonly Row[]> {
  const rows = await client.rows<Record<string, unknown>>({
    query: `SELECT * FROM (${query} ${NUMBERS_STAY}) ORDER BY ALL LIMIT ${MOST_ROWS + 1}`,
    query_params: params,
    clickhouse_settings: {
      ...settings,
      output_format_json_quote_64bit_integers: 1,
      output_format_json_quote_decimals: 1,
      // JSON has no nan and no inf.
      output_format_json_quote_denormals: 1,
    },
    doing: 'reading rows for a test',
  })
  if (rows.length > MOST_ROWS)
    throw usageError(
      `the range has more than ${MOST_ROWS} rows of one table`,
      'choose fewer blocks: a test is read by people',
    )
  return rows.map((row) => Object.fromEntries(Object.entries(row).map(([name, it]) => [name, cellOf(it)])))
}

/** A list for a SELECT: values that say of which type they are only as JSON are JSON. */
export function inJson(columns: readonly Column[]): string {
  const one = ({ name, type }: Column) =>
    isDynamic(parseType(type))
      ? `toJSONString(${quoteIdentifier(name)}) AS ${quoteIdentifier(name)}`
      : quoteIdentifier(name)
  return columns.map(one).join(', ')
}

/** Of a subquery with such a list: what it turns into JSON is as in a run, whatever the query around it asks for. */
export const NUMBERS_STAY =
  'SETTINGS output_format_json_quote_64bit_integers = 0, output_format_json_quote_decimals = 0, output_format_json_quote_denormals = 0'

/** The state of an aggregate function: bytes that no person reads, and that ClickHouse does not sort. */
export function isState(type: string): boolean {
  return /(?<!Simple)AggregateFunction\(/.test(type)
}

function cellOf(value: unknown): Cell {
  if (Array.isArray(value)) return value.map(cellOf)
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).map(([key, it]) => [key, cellOf(it)]))
  return typeof value === 'number' ? String(value) : (value as Cell)
}
