// Owns the wire to one ClickHouse server: the only place that makes a client, and the only one that turns what a client
// throws into a BackfillError.
import { text } from 'node:stream/consumers'
import {
  ClickHouseLogLevel,
  type ClickHouseSettings,
  createClient,
  type ResponseJSON,
} from '@clickhouse/client'
import type { Connection } from './connection.ts'
import { serverError } from './server-error.ts'

/** The methods of the package's client that this program uses: what a stand-in for the wire has to have. */
export type Transport = Pick<ReturnType<typeof createClient>, 'query' | 'command' | 'exec' | 'ping' | 'close'>

/** A statement; `doing` is what it is for, as it stands after "while" in the message of its failure. */
type Sent<Params> = Params & { readonly doing?: string | undefined }

type Question = Sent<Omit<Parameters<Transport['query']>[0], 'format'>>

/** Every method but `ping` and `close` throws a BackfillError: `server`, `failed` or `locked` (server-error.ts). */
export type Client = {
  /** The rows of an answer: objects by default, arrays where they are asked for. */
  rows<Row>(question: Question & { readonly format?: 'JSONEachRow' | 'JSONCompactEachRow' }): Promise<Row[]>
  /** The rows of an answer, objects, with the names and types of its columns. */
  table<Row>(question: Question): Promise<ResponseJSON<Row>>
  command(statement: Sent<Parameters<Transport['command']>[0]>): Promise<void>
  /** The answer as it is, for statements that take no FORMAT. */
  text(statement: Sent<Parameters<Transport['exec']>[0]>): Promise<string>
  /** The answer's bytes as they come: what goes wrong behind the headers is the reader's to find. */
  exec(statement: Sent<Parameters<Transport['exec']>[0]>): ReturnType<Transport['exec']>
  /** Never throws; the error, if any, is in the answer. */
  ping(): ReturnType<Transport['ping']>
  close(): Promise<void>
  /** The same connections under another name and database. */
  as(connection: Connection): Client
}

/** What of some settings may be sent; the rest the user may not set. */
type Limits = { sendable(settings: ClickHouseSettings): ClickHouseSettings }

/**
 * Makes a client; nothing is sent yet.
 * @param settings sent with every statement
 * @param limits undefined where the user may set everything
 */
export function openClient(connection: Connection, settings: ClickHouseSettings, limits?: Limits): Client {
  return clientOver(present(connection, settings), connection, limits)
}

function clientOver(transport: Transport, connection: Connection, limits: Limits | undefined): Client {
  async function send<Params extends { readonly clickhouse_settings?: ClickHouseSettings }, Answer>(
    { doing, ...statement }: Sent<Params>,
    call: (params: Omit<Sent<Params>, 'doing'>) => Promise<Answer>,
  ): Promise<Answer> {
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

/** A statement may run for an hour before the server stops it; `max_execution_time` is pinned so no profile cuts it short. */
export const MAX_EXECUTION_SECONDS = 3600

/** The client gives up later than the server does, so that the server's own error is the one people read. */
const REQUEST_TIMEOUT_MS = (MAX_EXECUTION_SECONDS + 60) * 1000

type MakeTransport = (connection: Connection, settings: ClickHouseSettings) => Transport

const overHttp: MakeTransport = (connection, settings) => {
  const { origin, pathname } = new URL(connection.url)
  return createClient({
    url: origin,
    // In the URL it would be taken for a database.
    ...(pathname !== '/' && { pathname }),
    ...(connection.ca !== undefined && { tls: { ca_cert: Buffer.from(connection.ca) } }),
    username: connection.username,
    password: connection.password,
    request_timeout: REQUEST_TIMEOUT_MS,
    max_open_connections: 64,
    clickhouse_settings: settings,
    // Progress headers keep idle connections alive; 1 MiB of them is more than an hour at the interval of write.ts.
    max_response_headers_size: 1024 * 1024,
    // Its logger prints statements, parameters and stacks to stderr.
    log: { level: ClickHouseLogLevel.OFF },
  })
}

let present = overHttp

/** Only for tests: from now on servers are reached by what this makes. Returns what brings HTTP back. */
export function replaceTransport(make: MakeTransport): () => void {
  present = make
  return () => void (present = overHttp)
}
