// Owns the wire to one ClickHouse server: the only place that makes a client, and the only place that turns a client's
// errors into BackfillErrors.
import { text } from 'node:stream/consumers'
import {
  ClickHouseError,
  ClickHouseLogLevel,
  type ClickHouseSettings,
  createClient,
  type ResponseJSON,
} from '@clickhouse/client'
import type { Connection } from './connection.ts'
import { BoundText } from '../sql-syntax/parameter-value.ts'
import { agentFor, withStatus, bounded, limited } from './http-agent.ts'
import type { BackfillError } from '../model/errors.ts'
import { NEVER_BEGAN } from './error-codes.ts'
import { longForm } from './long-form.ts'
import { againMs, passesSoon } from './retry.ts'
import { serverError } from './server-error.ts'
import { sleep } from '../seam/clock.ts'

/** The methods of the package's client that this program uses: a replacement for the wire implements these. */
export type Transport = Pick<
  ReturnType<typeof createClient>,
  'query' | 'command' | 'exec' | 'ping' | 'close'
> & {
  /** `exec` that gives up a connection on which nothing arrives for SILENCE_MS. */
  execWatched?: ReturnType<typeof createClient>['exec']
}

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
  exec(
    statement: Sent<Parameters<Transport['exec']>[0]> & {
      /** The server sends progress headers every few seconds: a connection that falls silent is lost. */
      readonly watched?: boolean
    },
  ): ReturnType<Transport['exec']>
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

/** Whether an error of an answer is the server's own words. */
function isServers(error: unknown): boolean {
  return (
    error instanceof ClickHouseError || (error instanceof Error && error.message.includes('DB::Exception'))
  )
}

function clientOver(transport: Transport, connection: Connection, limits: Limits | undefined): Client {
  async function send<Params extends Bindable, Answer>(
    { doing, ...unbound }: Sent<Params>,
    call: (params: Omit<Sent<Params>, 'doing'>) => Promise<Answer>,
  ): Promise<Answer> {
    const statement: Omit<Sent<Params>, 'doing'> = withBoundTexts(unbound)
    const settings = statement.clickhouse_settings
    const sent =
      settings === undefined || limits === undefined
        ? statement
        : { ...statement, clickhouse_settings: limits.sendable(settings) }
    try {
      return await withStatus(isServers, () => call(sent))
    } catch (error) {
      throw serverError(error, { connection, doing })
    }
  }
  const again =
    (mayRepeat: (error: unknown) => boolean): typeof send =>
    async (question, call) => {
      for (let attempt = 1; ; attempt++)
        try {
          return await send(question, call)
        } catch (error) {
          const ms = mayRepeat(error) ? againMs(attempt) : undefined
          if (ms === undefined) throw error
          await sleep(ms)
        }
    }
  /** A question may be asked again: one lost connection, or a server that is busy for a moment, ends nothing. */
  const ask = again(passesSoon)
  /** Another statement may be repeated only if it certainly never began. */
  const tell = again((error) => NEVER_BEGAN.has((error as BackfillError).code))
  return {
    rows: <Row>(question: Parameters<Client['rows']>[0]) =>
      ask(question, async (params) =>
        checked(await limited(await transport.query({ format: 'JSONEachRow', ...params })).json<Row>()),
      ),
    table: <Row>(question: Question) =>
      ask(question, async (params) =>
        limited(await transport.query({ ...params, format: 'JSON' })).json<Row>(),
      ),
    command: (statement) =>
      tell(statement, async (params) => {
        const form = longForm(params)
        if (form === params) await transport.command(params)
        else await text(bounded((await transport.exec(form)).stream))
      }),
    text: (statement) =>
      send(statement, async (params) => text(bounded((await transport.exec(longForm(params))).stream))),
    exec: ({ watched = false, ...statement }) =>
      send(statement, (params) => ((watched && transport.execWatched) || transport.exec)(longForm(params))),
    ping: () =>
      withStatus(isServers, async () => {
        const answer = await transport.ping({ select: true })
        if (!answer.success) throw answer.error
        return answer
      }).catch((error: Error) => ({ success: false, error })),
    close: () => transport.close(),
    as: (other) => clientOver(transport, other, limits),
  }
}

/** What is no row comes from something that is no ClickHouse, or that changes its answers. */
function checked<Row>(rows: Row[]): Row[] {
  if (rows.every((row) => typeof row === 'object' && row !== null)) return rows
  throw new Error('the answer is none to the question: its rows are no rows')
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

/** Progress headers come every ten seconds (write.ts). */
const SILENCE_MS = 45_000

const overHttp: MakeTransport = (connection, settings) => {
  const main = httpClient(connection, settings, REQUEST_TIMEOUT_MS)
  // Made on use, because few commands write. Its sockets are its own: a client ends those that it finds idle.
  let watched: ReturnType<typeof createClient> | undefined
  return {
    query: main.query.bind(main),
    command: (statement) => main.command(statement),
    exec: (statement) => main.exec(statement),
    ping: (params) => main.ping(params),
    execWatched: (statement) => (watched ??= httpClient(connection, settings, SILENCE_MS)).exec(statement),
    close: async () => void (await Promise.all([main.close(), watched?.close()])),
  }
}

/** @param timeoutMs how long nothing may arrive on a connection in use */
function httpClient(connection: Connection, settings: ClickHouseSettings, timeoutMs: number) {
  const { origin, pathname } = new URL(connection.url)
  return createClient({
    url: origin,
    // In the URL it would be read as a database.
    ...(pathname !== '/' && { pathname }),
    http_agent: agentFor(connection),
    username: connection.username,
    password: connection.password,
    request_timeout: timeoutMs,
    use_multipart_params_auto: true,
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
