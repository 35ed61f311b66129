// Owns one ClickHouse server as the adapters see it: a client with pinned settings, a typed builder, true errors.
import {
  type ClickHouseClient,
  ClickHouseLogLevel,
  type ClickHouseSettings,
  createClient,
} from '@clickhouse/client'
import type { Kysely } from 'kysely'
import { BackfillError } from '../runner/errors.ts'
import { PINNED_SETTINGS } from '../runner/pure/pinned-settings.ts'
import type { Cluster } from './cluster.ts'
import type { Connection } from './connection.ts'
import { kyselyFor } from './dialect.ts'
import type { Schema } from './schema.ts'
import { errorCode, serverError, wordsOf } from './server-error.ts'

/** `identity` is equal for two URLs of one server: its `serverUUID()`, or host and port where it has none (embedded). */
export type ServerInfo = { readonly version: string; readonly identity: string }

export type Server = {
  readonly connection: Connection
  readonly info: ServerInfo
  readonly client: ClickHouseClient
  readonly db: Kysely<Schema>
  /** Of which cluster it is a node; undefined: a server by itself, or a source. */
  readonly cluster?: Cluster | undefined
  /** Who answers on the next connection. */
  identify(): Promise<string>
  close(): Promise<void>
}

/** A statement may run for an hour before the server stops it; `max_execution_time` is pinned so no profile cuts it short. */
const MAX_EXECUTION_SECONDS = 3600

/** The client gives up later than the server does, so that the server's own error is the one people read. */
const REQUEST_TIMEOUT_MS = (MAX_EXECUTION_SECONDS + 60) * 1000

/** DESIGN: settings without which a statement may end with 200 and rows missing. */
export const STATEMENT_SETTINGS: ClickHouseSettings = {
  ...PINNED_SETTINGS,
  max_execution_time: MAX_EXECUTION_SECONDS,
  // Not pinned, a transform's header may want them: what a profile says must not change what our own queries mean.
  join_use_nulls: 0,
  transform_null_in: 0,
  // A join of two Distributed tables is right wherever their rows are. A header may say `local` where it knows better.
  distributed_product_mode: 'global',
}

/** Reaches a server and asks who it is. @throws BackfillError `server` where it cannot be reached or refuses the login. */
export async function openServer(connection: Connection): Promise<Server> {
  const client = connect(connection)
  try {
    return serverOf(connection, client, await identify(client))
  } catch (error) {
    await client.close()
    throw isForeign(error)
      ? strangerError(error, connection)
      : serverError(error, { connection, doing: 'connecting' })
  }
}

/** The same server over connections of its own, which nothing else waits for. It is not asked again who it is. */
export function openAgain({ connection, info, cluster }: Server, settings: ClickHouseSettings = {}): Server {
  return { ...serverOf(connection, connect(connection, settings), info), cluster }
}

function serverOf(connection: Connection, client: ClickHouseClient, info: ServerInfo): Server {
  return {
    connection,
    info,
    client,
    db: kyselyFor<Schema>(client),
    identify: async () => (await identify(client)).identity,
    close: () => client.close(),
  }
}

/** @param settings beside those of every statement */
function connect(connection: Connection, settings: ClickHouseSettings = {}): ClickHouseClient {
  return createClient({
    url: connection.url,
    username: connection.username,
    password: connection.password,
    request_timeout: REQUEST_TIMEOUT_MS,
    max_open_connections: 64,
    clickhouse_settings: { ...STATEMENT_SETTINGS, ...settings },
    // Progress headers keep idle connections alive; 1 MiB of them is more than an hour at the interval of executor.ts.
    max_response_headers_size: 1024 * 1024,
    // Its logger prints statements, parameters and stacks to stderr.
    log: { level: ClickHouseLogLevel.OFF },
  })
}

async function identify(client: ClickHouseClient): Promise<ServerInfo> {
  const result = await client.query({
    query: `SELECT version() AS version,
      if(serverUUID() = toUUID('00000000-0000-0000-0000-000000000000'),
        concat(hostName(), ':', toString(getServerPort('http_port'))), toString(serverUUID())) AS identity`,
    format: 'JSONEachRow',
  })
  const [info] = await result.json<ServerInfo>()
  if (info?.identity === undefined) throw new Error('no answer to the question')
  return info
}

/** Somebody answered, but neither with a ClickHouse error nor with a failure of the network. */
function isForeign(error: unknown): boolean {
  return errorCode(error) === 0 && !(error instanceof Error && 'code' in error)
}

function strangerError(error: unknown, { side, url }: Connection): BackfillError {
  // ClickHouse's native port says a sentence about itself; web servers say HTML.
  const said = /^\w+( [\w'.,:-]+){3,}$/.test(wordsOf(error)) ? `: ${wordsOf(error)}` : ''
  return new BackfillError(`what answers at ${side} ${url} is not the HTTP interface of ClickHouse${said}`, {
    kind: 'server',
    hint: `Check ${side.toUpperCase()}_CLICKHOUSE_URL: the port is 8123, or 8443 with https`,
    cause: error,
  })
}
