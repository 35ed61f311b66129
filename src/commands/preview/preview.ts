// Owns the reading of a transform's rows: a table, or a stream in any format. The server formats them.
import { namedBlocks } from '../../model/blocks.ts'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import type { ClickHouseSettings, DataFormat } from '@clickhouse/client'
import { type BackfillError, usageError } from '../../model/errors.ts'
import type { Network, TableDefinition } from '../../model/model.ts'
import type { Range } from '../../model/blocks.ts'
import type { Connection } from '../../clickhouse/connection.ts'
import { errorCode, serverError, messageOf } from '../../clickhouse/server-error.ts'
import { openServer, type Server } from '../../clickhouse/server.ts'
import { errorInBody, TAIL_BYTES } from '../../clickhouse/bounded-answer.ts'
import { verbatim } from '../../terminal/render/json.ts'
import { transformParams, describeTransform, readerOf } from '../../targets/transform.ts'

export type PreviewQuestion = {
  readonly table: TableDefinition
  readonly network: Network
  readonly range: Range
}

/** Opens only the servers that the transform needs; every statement is read-only. @throws BackfillError `usage` */
export async function withPreview<T>(
  connections: { readonly source: Connection; readonly target: Connection },
  question: PreviewQuestion,
  use: (preview: ReturnType<typeof previewOn>) => Promise<T>,
): Promise<T> {
  const { table } = question
  const sides = [
    ...(table.sources.length > 0 ? [connections.source] : []),
    ...(table.after.length > 0 ? [connections.target] : []),
  ]
  const opened: Server[] = []
  try {
    for (const side of sides) opened.push(await openServer(side))
    const server = readerOf({ source: opened[0]!, target: opened.at(-1)! }, table)
    const params = transformParams({ ...question, ...connections })
    const columns = await describeTransform(server, table, { params, settings: settingsOf(table) })
    return await use(previewOn(server, question, { params, columns: columns.length }))
  } finally {
    await Promise.all(opened.map((server) => server.close()))
  }
}

/** 2 and not 1: the transform may have a SETTINGS clause. A reader that disconnects ends the query. */
function settingsOf({ settings }: TableDefinition): ClickHouseSettings {
  return { ...settings, readonly: '2', cancel_http_readonly_queries_on_client_close: 1 }
}

function previewOn(
  { client, connection }: Server,
  { table, range }: PreviewQuestion,
  { params, columns }: { readonly params: Record<string, unknown>; readonly columns: number },
) {
  const doing = `previewing ${namedBlocks([range])} of ${table.key}`
  const failure = (error: unknown): BackfillError =>
    errorCode(error) === UNKNOWN_FORMAT
      ? usageError(
          `--format: ${messageOf(error)}`,
          'common formats: CSVWithNames, JSONEachRow, TSV, Vertical, Parquet',
        )
      : serverError(error, { connection, doing })
  const ask = async (query: string, settings: ClickHouseSettings): Promise<Readable> => {
    const { stream } = await client
      .exec({
        query,
        query_params: params,
        clickhouse_settings: {
          ...settingsOf(table),
          // A truncated text must not look complete, and the text must have no escape codes.
          http_write_exception_in_output_format: 0,
          output_format_pretty_color: 0,
          ...settings,
        },
        doing,
      })
      .catch((error: unknown) => {
        throw failure(error)
      })
    return Readable.from(untilItsEnd(stream, failure), { objectMode: false })
  }
  const select = (limit: number | undefined) =>
    limit === undefined
      ? table.transform.text
      : `SELECT * FROM (\n${table.transform.text}\n)\nORDER BY ALL\nLIMIT ${limit}`

  return {
    /** The first rows in the order of their columns, as ClickHouse draws a table of `width` columns; '' for no rows. */
    table: async (limit: number, width: number) =>
      await text(await ask(select(limit), { ...PRETTY, ...fitting(width, { columns, rows: limit }) })),
    /** As the server formats them; if it stops early, the stream fails. @throws BackfillError `usage`: unknown format */
    stream: async (format: string, limit: number | undefined) =>
      await ask(select(limit), { default_format: format as DataFormat }),
    rows: async (limit: number) => {
      const answer = await text(await ask(select(limit), JSON_ROWS))
      const { meta, data } = JSON.parse(answer) as {
        readonly meta: readonly object[]
        readonly data: unknown
      }
      return { columns: meta, rows: verbatim(data) }
    },
  }
}

const UNKNOWN_FORMAT = 73

const JSON_ROWS: ClickHouseSettings = {
  default_format: 'JSONCompact',
  output_format_json_quote_64bit_integers: 1,
  output_format_json_quote_decimals: 1,
}

const PRETTY: ClickHouseSettings = {
  default_format: 'PrettyCompactMonoBlock' as DataFormat,
  output_format_pretty_row_numbers: 0,
}

/** A hash has 66 characters: a terminal truncates longer values. If the table is too wide, each value gets a line. */
function fitting(
  width: number,
  size: { readonly columns: number; readonly rows: number },
): ClickHouseSettings {
  if (width === Infinity) return { output_format_pretty_fallback_to_vertical: 0 }
  // The server's comparison does not count the lines between the columns.
  const room = Math.max(1, width - 3 * size.columns)
  return {
    output_format_pretty_max_value_width: '66',
    output_format_pretty_fallback_to_vertical_min_table_width: String(room),
    output_format_pretty_fallback_to_vertical_max_rows_per_chunk: String(size.rows),
    output_format_pretty_fallback_to_vertical_min_columns: '0',
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
