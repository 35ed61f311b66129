// Owns the wire to one ClickHouse server: the only place that makes a client, and the only place that turns a client's
// errors into BackfillErrors.
import { text } from 'node:stream/consumers'
import {
  ClickHouseLogLevel,
  type ClickHouseSettings,
  createClient,
  type ResponseJSON,
} from '@clickhouse/client'
import type { Connection } from './connection.ts'
import { BoundText } from '../sql-syntax/parameter-value.ts'
import { serverError } from './server-error.ts'

/** The methods of the package's client that this program uses: a replacement for the wire implements these. */
export type Transport = Pick<ReturnType<typeof createClient>, 'query' | 'command' | 'exec' | 'ping' | 'close'>

/** A statement; `doing` is its purpose, printed after "while" if it fails. */
type Sent<Params> = Params & { readonly doing?: string | undefined }

type Question = Sent<Omit<Parameters<Transport['query']>[0], 'format'>>

/** Every method but `ping` and `close` throws a BackfillError: `server`, `failed` or `locked` (server-error.ts). */
export type Client = {
  /** The rows of an answer: objects by default, arrays on request. */
  rows<Row>(question: Question & { readonly format?: 'JSONEachRow' | 'JSONCompactEachRow' }): Promise<Row[]>
  /** The rows of an answer, objects, with the names and types of its columns. */
  table<Row>(question: Question): Promise<ResponseJSON<Row>>
  command(statement: Sent<Parameters<Transport['command']>[0]>): Promise<void>
  /** The answer as it is, for statements that take no FORMAT. */
  text(statement: Sent<Parameters<Transport['exec']>[0]>): Promise<string>
  /** The answer's bytes as they arrive: the reader has to look for errors after the headers. */
  exec(statement: Sent<Parameters<Transport['exec']>[0]>): ReturnType<Transport['exec']>
  /** Never throws; the error, if any, is in the answer. */
  ping(): ReturnType<Transport['ping']>
  close(): Promise<void>
  /** The same connections under another name and database. */
  as(connection: Connection): Client
}

/** The settings that may be sent; the user may not set the others. */
type Limits = { sendable(settings: ClickHouseSettings): ClickHouseSettings }

/**
 * Makes a client; nothing is sent yet.
 * @param settings sent with every statement
 * @param limits undefined if the user may set everything
 */
export function openClient(connection: Connection, settings: ClickHouseSettings, limits?: Limits): Client {
  return clientOver(present(connection, settings), connection, limits)
}

function clientOver(transport: Transport, connection: Connection, limits: Limits | undefined): Client {
  async function send<Params extends Bindable, Answer>(
    { doing, ...unbound }: Sent<Params>,
    call: (params: Omit<Sent<Params>, 'doing'>) => Promise<Answer>,
  ): Promise<Answer> {
    const statement: Omit<Sent<Params>, 'doing'> = withBoundTexts(unbound)
    const settings = statement.clickhouse_settings
    try {
      return await call(
        settings === undefined || limits === undefined
          ? statement
          : { ...statement, clickhouse_settings: limits.sendable(settings) },
      )
    } catch (error) {
      throw serverError(error, { connection, doing })
    }
  }
  return {
    rows: <Row>(question: Parameters<Client['rows']>[0]) =>
      send(question, async (params) =>
        (await transport.query({ format: 'JSONEachRow', ...params })).json<Row>(),
      ),
    table: <Row>(question: Question) =>
      send(question, async (params) => (await transport.query({ ...params, format: 'JSON' })).json<Row>()),
    command: (statement) => send(statement, async (params) => void (await transport.command(params))),
    text: (statement) => send(statement, async (params) => text((await transport.exec(params)).stream)),
    exec: (statement) => send(statement, (params) => transport.exec(params)),
    ping: () => transport.ping({ select: true }),
    close: () => transport.close(),
    as: (other) => clientOver(transport, other, limits),
  }
}

type Bindable = {
  readonly clickhouse_settings?: ClickHouseSettings | undefined
  readonly query_params?: Record<string, unknown> | undefined
}

/** The package escapes every string once more; what travels beside the settings arrives as it is. */
function withBoundTexts<Params extends Bindable>(statement: Params): Params {
  const params = Object.entries(statement.query_params ?? {})
  if (!params.some(([, value]) => value instanceof BoundText)) return statement
  const bound = params.flatMap(([name, value]) =>
    value instanceof BoundText ? [[`param_${name}`, value.text]] : [],
  )
  return {
    ...statement,
    query_params: Object.fromEntries(params.filter(([, value]) => !(value instanceof BoundText))),
    clickhouse_settings: { ...statement.clickhouse_settings, ...Object.fromEntries(bound) },
  }
}

/** The server stops a statement after an hour; `max_execution_time` is pinned so that no profile shortens this. */
export const MAX_EXECUTION_SECONDS = 3600

/** The client gives up later than the server, so that people read the server's own error. */
const REQUEST_TIMEOUT_MS = (MAX_EXECUTION_SECONDS + 60) * 1000

type MakeTransport = (connection: Connection, settings: ClickHouseSettings) => Transport

const overHttp: MakeTransport = (connection, settings) => {
  const { origin, pathname } = new URL(connection.url)
  return createClient({
    url: origin,
    // In the URL it would be read as a database.
    ...(pathname !== '/' && { pathname }),
    ...(connection.ca !== undefined && { tls: { ca_cert: Buffer.from(connection.ca) } }),
    username: connection.username,
    password: connection.password,
    request_timeout: REQUEST_TIMEOUT_MS,
    max_open_connections: 64,
    clickhouse_settings: settings,
    // Progress headers keep idle connections alive; at the interval of write.ts, an hour of them stays below 1 MiB.
    max_response_headers_size: 1024 * 1024,
    // Its logger prints statements, parameters and stacks to stderr.
    log: { level: ClickHouseLogLevel.OFF },
  })
}

let present = overHttp

/** For tests only: makes all clients with `make` from now on. Returns a function that restores HTTP. */
export function replaceTransport(make: MakeTransport): () => void {
  present = make
  return () => void (present = overHttp)
}
