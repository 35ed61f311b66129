// Owns `backfill preview`: the rows of a transform for a range, as the server formats them, or its statement. Reads only.
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import type { ClickHouseSettings, DataFormat } from '@clickhouse/client'
import { type BackfillError, EXIT, usageError } from '../../model/errors.ts'
import { intersect, namedBlocks, type Range } from '../../model/blocks.ts'
import type { Network, TableDefinition } from '../../model/model.ts'
import { errorInBody, TAIL_BYTES } from '../../clickhouse/answers.ts'
import { errorCode, serverError, messageOf } from '../../clickhouse/server-error.ts'
import { openServer, type Server } from '../../clickhouse/server.ts'
import { verbatim } from '../../terminal/render/json.ts'
import { transformParams, describeTransform, readerOf } from '../../targets/transform.ts'
import { resolveLimits } from '../../planning/bounds.ts'
import { type Connections, readScope } from '../../workspace/open.ts'
import { assertPositions } from '../../workspace/run-options.ts'
import { nonEmpty, positiveCount, readFlag } from '../../workspace/values.ts'
import { type Command, type Context, withConnections } from '../../session/session.ts'
import { count, formatRange } from '../../terminal/render/format.ts'
import { requireOneTable, typedRange } from '../../terminal/one-table-one-range.ts'
import { boundStatement } from '../../sql-syntax/parameters.ts'
import { quoteIdentifier } from '../../sql-syntax/quoting.ts'
import { isSortable, parseType } from '../../sql-syntax/type-fit.ts'

const DEFAULT_LIMIT = 20

export const preview: Command = async (context) => {
  const { config, output, flags } = context
  const name = requireOneTable(flags, 'preview')
  const range = typedRange(flags, '`preview`')
  const limit = readFlag(flags, 'limit', positiveCount)
  const format = readFlag(flags, 'format', nonEmpty)
  const json = flags.has('json')
  const { network, chosen } = await readScope(config, [name])
  assertPositions(chosen, flags)
  const table = chosen[0]!
  const inside = insideLimits(context, { table, network, range })

  if (flags.has('print-sql')) {
    const [source, target] = [config.databases.source, config.databases.target].map(({ value }) => ({
      database: value,
    }))
    const values = transformParams({ table, network, range, source: source!, target: target! })
    // `::` at the beginning of a line is a command of a CI log.
    output.data(`${boundStatement(table, values)};`.replaceAll(/^\s*(?=::)/gm, '$&/**/').split('\n'))
    return EXIT.ok
  }
  if (inside === undefined) {
    if (json) output.json({ table: name, range, columns: [], rows: [] })
    return EXIT.ok
  }
  return await withConnections(context, async (connections) => {
    const rows = limit ?? DEFAULT_LIMIT
    const ask = async <T>(form: Form, use: (answer: Readable) => Promise<T>): Promise<T> =>
      await withRows(connections, { table, network, range: inside }, form, use)
    if (format !== undefined)
      await ask({ limit, settings: () => ({ default_format: format as DataFormat }) }, output.stream)
    else if (json) {
      const { meta, data } = JSON.parse(await ask({ limit: rows, settings: () => JSON_ROWS }, text))
      output.json({ table: name, range: inside, columns: meta, rows: verbatim(data) })
    } else {
      const drawn = await ask(drawing(rows, output.columns), text)
      const more = `At most ${count(rows, 'row')}; --limit <rows> shows more.`
      output.data(drawn === '' ? ['No rows.'] : [...drawn.split('\n'), more])
    }
    return EXIT.ok
  })
}

/** The part of the range within the header's `blocks`; prints a message if that is less than the range. */
function insideLimits({ output }: Context, { table, network, range }: PreviewQuestion): Range | undefined {
  const { from = 0, to = Number.MAX_SAFE_INTEGER } = resolveLimits(table.blocks, network.forks)
  const [inside] = from <= to ? intersect([range], [{ from, to }]) : []
  const limits = `${from === 0 ? '' : from}..${to === Number.MAX_SAFE_INTEGER ? '' : to}`
  if (inside === undefined)
    output.message([
      `${table.key} has no rows in ${formatRange(range)} by definition: its blocks on ${network.name} are ${limits}.`,
    ])
  else if (inside.from !== range.from || inside.to !== range.to)
    output.message([
      `Only ${formatRange(inside)}: the blocks of ${table.key} on ${network.name} are ${limits}.`,
    ])
  return inside
}

type PreviewQuestion = {
  readonly table: TableDefinition
  readonly network: Network
  readonly range: Range
}

/** `limit`: the first rows in the order of their columns; undefined: all. `settings`: how the server formats rows of so many columns. */
type Form = {
  readonly limit: number | undefined
  readonly settings: (columns: number) => ClickHouseSettings
}

/**
 * `use` gets the rows as the server formats them; if it stops early, their stream fails. Opens only the servers that the transform needs; every
 * statement is read-only. @throws BackfillError `usage`, also for an unknown format
 */
export async function withRows<T>(
  connections: Connections,
  { table, network, range }: PreviewQuestion,
  { limit, settings }: Form,
  use: (answer: Readable) => Promise<T>,
): Promise<T> {
  const sides = [
    ...(table.sources.length > 0 ? [connections.source] : []),
    ...(table.after.length > 0 ? [connections.target] : []),
  ]
  const opened: Server[] = []
  try {
    for (const side of sides) opened.push(await openServer(side))
    const server = readerOf({ source: opened[0]!, target: opened.at(-1)! }, table)
    const params = transformParams({ table, network, range, ...connections })
    // 2 and not 1: the transform may have a SETTINGS clause. A reader that disconnects ends the query.
    const readOnly: ClickHouseSettings = {
      ...table.settings,
      readonly: '2',
      cancel_http_readonly_queries_on_client_close: 1,
    }
    const columns = await describeTransform(server, table, { params, settings: readOnly })
    const doing = `previewing ${namedBlocks([range])} of ${table.key}`
    const failure = (error: unknown): BackfillError =>
      errorCode(error) === UNKNOWN_FORMAT
        ? usageError(
            `--format: ${messageOf(error)}`,
            'common formats: CSVWithNames, JSONEachRow, TSV, Vertical, Parquet',
          )
        : serverError(error, { connection: server.connection, doing })
    const sorted = columns.filter(({ type }) => isSortable(parseType(type)))
    const order =
      sorted.length === 0 ? '' : `\nORDER BY ${sorted.map(({ name }) => quoteIdentifier(name)).join(', ')}`
    const query =
      limit === undefined
        ? table.transform.text
        : `SELECT * FROM (\n${table.transform.text}\n)${order}\nLIMIT ${limit}`
    const clickhouse_settings = { ...readOnly, ...PLAIN, ...settings(columns.length) }
    const call = { query, query_params: params, clickhouse_settings, doing, isRepeatable: true }
    const { stream } = await server.client.exec(call).catch((error: unknown) => {
      throw failure(error)
    })
    return await use(Readable.from(untilItsEnd(stream, failure), { objectMode: false }))
  } finally {
    await Promise.all(opened.map((server) => server.close()))
  }
}

const UNKNOWN_FORMAT = 73

/** A truncated text must not look complete, and the text must have no escape codes. */
const PLAIN: ClickHouseSettings = { http_write_exception_in_output_format: 0, output_format_pretty_color: 0 }

const JSON_ROWS: ClickHouseSettings = {
  default_format: 'JSONCompact',
  output_format_json_quote_64bit_integers: 1,
  output_format_json_quote_decimals: 1,
}

/**
 * As ClickHouse draws a table; nothing for no rows. A hash has 66 characters: a terminal truncates longer values. If the table is wider than
 * `width`, each value gets a line.
 */
export function drawing(rows: number, width: number): Form {
  const fitting = (columns: number): ClickHouseSettings => ({
    output_format_pretty_max_value_width: '66',
    // The server's comparison does not count the lines between the columns.
    output_format_pretty_fallback_to_vertical_min_table_width: String(Math.max(1, width - 3 * columns)),
    output_format_pretty_fallback_to_vertical_max_rows_per_chunk: String(rows),
    output_format_pretty_fallback_to_vertical_min_columns: '0',
  })
  return {
    limit: rows,
    settings: (columns) => ({
      default_format: 'PrettyCompactMonoBlock' as DataFormat,
      output_format_pretty_row_numbers: 0,
      ...(width === Infinity ? { output_format_pretty_fallback_to_vertical: 0 } : fitting(columns)),
    }),
  }
}

/** Keeps the last 16 KB back until the end: there the server writes an exception before it closes the connection. */
async function* untilItsEnd(
  stream: Readable,
  failure: (error: unknown) => BackfillError,
): AsyncGenerator<Buffer> {
  let tail: Buffer = Buffer.alloc(0)
  try {
    for await (const piece of stream) {
      const all = Buffer.concat([tail, piece as Buffer])
      tail = all.subarray(Math.max(0, all.length - TAIL_BYTES))
      if (all.length > tail.length) yield all.subarray(0, all.length - tail.length)
    }
  } catch (error) {
    const tailText = tail.toString('utf8')
    throw failure(tailText.includes('DB::Exception') ? errorInBody(tailText) : error)
  }
  if (tail.length > 0) yield tail
}
