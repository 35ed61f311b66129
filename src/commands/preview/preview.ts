// Owns looking at what a transform yields, without writing: rows, a stream in any format, the plan and the estimate.
import { Readable } from 'node:stream'
import type { ClickHouseSettings, DataFormat } from '@clickhouse/client'
import { type BackfillError, usageError } from '../../model/errors.ts'
import type { Network, TableDefinition } from '../../model/model.ts'
import type { Range } from '../../model/blocks.ts'
import { nearest } from '../../model/did-you-mean.ts'
import type { OutputColumn } from '../../sql-syntax/column-fit.ts'
import type { Connection } from '../../clickhouse/connection.ts'
import { errorCode, serverError } from '../../clickhouse/server-error.ts'
import { openServer, type Server } from '../../clickhouse/server.ts'
import { errorInBody, TAIL_BYTES } from '../../clickhouse/write.ts'
import { transformParams } from '../../targets/transform.ts'
import { describeTransform, readerOf } from '../../targets/transform.ts'

export type PreviewQuestion = {
  readonly table: TableDefinition
  readonly network: Network
  readonly range: Range
}

type PreviewRows = {
  readonly columns: readonly OutputColumn[]
  /** Values as ClickHouse writes them; NULL is ᴺᵁᴸᴸ. */
  readonly rows: readonly (readonly string[])[]
  /** Rows that there are, shown or not. */
  readonly total: number
}

type Explained = {
  readonly plan: readonly string[]
  /** What MergeTree tables would be read, at most. */
  readonly estimate: readonly {
    readonly database: string
    readonly table: string
    readonly parts: number
    readonly rows: number
    readonly marks: number
  }[]
}

export type Preview = {
  /** The first rows in the order of their columns. */
  rows(limit: number): Promise<PreviewRows>
  /**
   * All rows, or the first ones, as the server formats them. The stream fails with a BackfillError where the server
   * breaks off; what it says then is not among the bytes.
   * @throws BackfillError `usage` for an unknown format
   */
  stream(format: string, limit: number | undefined): Promise<Readable>
  explain(): Promise<Explained>
}

/**
 * Opens the server that the transform is computed on, and no other, and lets `use` look. Every statement is read-only
 * by the server's own judgement.
 * @throws BackfillError `usage` with file and line where the server does not accept the transform
 */
export async function withPreview<T>(
  connections: { readonly source: Connection; readonly target: Connection },
  question: PreviewQuestion,
  use: (preview: Preview) => Promise<T>,
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
    const params = transformParams({
      ...question,
      source: connections.source.database,
      target: connections.target.database,
    })
    await describeTransform(server, table, { params, settings: settingsOf(table) })
    return await use(previewOn(server, question, params))
  } finally {
    await Promise.all(opened.map((server) => server.close()))
  }
}

/** 2 and not 1: the transform may have a SETTINGS clause. A reader that goes away ends the query. */
function settingsOf({ settings }: TableDefinition): ClickHouseSettings {
  return { ...settings, readonly: '2', cancel_http_readonly_queries_on_client_close: 1 }
}

function previewOn(
  { client, connection }: Server,
  { table, range }: PreviewQuestion,
  params: Record<string, unknown>,
): Preview {
  const settings = settingsOf(table)
  const doing = `previewing blocks ${range.from}-${range.to} of ${table.key}`
  const failure = (error: unknown): BackfillError => serverError(error, { connection, doing })
  const select = (limit: number | undefined) =>
    limit === undefined
      ? table.transform.text
      : `SELECT * FROM (\n${table.transform.text}\n)\nORDER BY ALL\nLIMIT {backfill_limit:UInt64}`
  const lines = <Row>(query: string): Promise<Row[]> =>
    client.rows<Row>({ query, query_params: params, clickhouse_settings: settings, doing })

  return {
    async rows(limit) {
      const { meta, data, rows_before_limit_at_least, rows } = await client.table({
        query: select(limit),
        query_params: { ...params, backfill_limit: limit },
        clickhouse_settings: settings,
        doing,
      })
      // Exact, since the rows are sorted.
      return { columns: meta ?? [], rows: data, total: rows_before_limit_at_least ?? rows ?? data.length }
    },

    async stream(format, limit) {
      const { stream } = await client
        .exec({
          query: select(limit),
          query_params: { ...params, ...(limit !== undefined && { backfill_limit: limit }) },
          clickhouse_settings: {
            ...settings,
            default_format: format as DataFormat,
            // So that a text that breaks off does not look whole, and no escape codes where nobody asked for any.
            http_write_exception_in_output_format: 0,
            output_format_pretty_color: 0,
          },
          doing,
        })
        .catch(async (error: unknown) => {
          throw errorCode(error) === UNKNOWN_FORMAT ? await unknownFormat(format) : error
        })
      return Readable.from(untilItsEnd(stream, failure), { objectMode: false })
    },

    async explain() {
      const plan = await lines<{ readonly explain: string }>(`EXPLAIN indexes = 1\n${table.transform.text}`)
      const estimate = await lines<Explained['estimate'][number]>(`EXPLAIN ESTIMATE\n${table.transform.text}`)
      return { plan: plan.map(({ explain }) => explain), estimate }
    },
  }

  async function unknownFormat(format: string): Promise<BackfillError> {
    const known = await lines<{ readonly name: string }>('SELECT name FROM system.formats WHERE is_output')
    const near = nearest(
      format.toLowerCase(),
      known.map(({ name }) => name.toLowerCase()),
    )
    const meant = known.find(({ name }) => name.toLowerCase() === near)?.name
    return usageError(
      `ClickHouse has no output format '${format}'`,
      `${meant === undefined ? '' : `did you mean '${meant}'? `}Often used: CSV, CSVWithNames, JSONEachRow, TSV, Vertical, Parquet`,
    )
  }
}

const UNKNOWN_FORMAT = 73

/**
 * The pieces of an answer, the last 16 KB held back until it has ended: there the server writes the exception that
 * ended it, and then breaks the connection off.
 */
async function* untilItsEnd(
  stream: Readable,
  failure: (error: unknown) => BackfillError,
): AsyncGenerator<Buffer> {
  let held: Buffer = Buffer.alloc(0)
  try {
    for await (const piece of stream) {
      const all = Buffer.concat([held, piece as Buffer])
      held = all.subarray(Math.max(0, all.length - TAIL_BYTES))
      if (all.length > held.length) yield all.subarray(0, all.length - held.length)
    }
  } catch (error) {
    const said = held.toString('utf8')
    throw failure(said.includes('DB::Exception') ? errorInBody(said) : error)
  }
  if (held.length > 0) yield held
}
