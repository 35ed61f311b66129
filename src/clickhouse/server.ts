// Owns one ClickHouse server as the adapters see it: a client with pinned settings, a typed builder, true errors.
import type { ClickHouseSettings } from '@clickhouse/client'
import type { Kysely } from 'kysely'
import { BackfillError } from '../model/errors.ts'
import { PINNED_SETTINGS } from '../sql-syntax/pinned-settings.ts'
import { type Client, MAX_EXECUTION_SECONDS, openClient } from './client.ts'
import type { Connection } from './connection.ts'
import { kyselyFor } from './dialect.ts'
import type { Schema } from './schema.ts'
import { errorCode, originOf, messageOf } from './server-error.ts'
import {
  ASKING_LIMITS,
  cutsOff,
  readLimits,
  assertProfile,
  refusesSettings,
  type SettingsLimits,
} from './settings-limits.ts'

/** `identity` is equal for two URLs of one server: its `serverUUID()`, or host and port where it has none (embedded). */
export type ServerInfo = {
  readonly version: string
  readonly identity: string
  /** Settings that are not sent, because the user may not change them; `readsOnly`: a profile with readonly = 1. */
  readonly notSent?: { readonly readsOnly: boolean; readonly names: readonly string[] }
}

export type Server = {
  readonly connection: Connection
  readonly info: ServerInfo
  /** What the user may not set; undefined where all that was wanted could be. */
  readonly limits: SettingsLimits | undefined
  readonly client: Client
  readonly db: Kysely<Schema>
  /** The same builder for a purpose that an error names: `during('reading the ledger')`. */
  during(doing: string): Kysely<Schema>
  /** Of which cluster it is a node; undefined: a server by itself, or a source. */
  readonly cluster?: Cluster | undefined
  /** Who answers on the next connection. */
  identify(): Promise<string>
  close(): Promise<void>
}

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
  try {
    return await openWith(connection, STATEMENT_SETTINGS)
  } catch (error) {
    if (refusesSettings(error)) return await openLimited(connection)
    throw error
  }
}

/** The same, with no settings but these: what a profile says holds for the rest. @throws BackfillError `server`, `failed` */
export async function openWith(connection: Connection, settings: ClickHouseSettings): Promise<Server> {
  const client = openClient(connection, settings)
  try {
    return serverOf({ connection, client, info: await identify(client), limits: undefined })
  } catch (error) {
    await client.close()
    throw isForeign(originOf(error)) ? strangerError(error, connection) : error
  }
}

/** Sends what the user may set, and looks first at what its profile says of the rest. */
async function openLimited(connection: Connection): Promise<Server> {
  const bare = openClient(connection, {})
  try {
    const limits = await readLimits(bare, connection)
    assertProfile(limits, STATEMENT_SETTINGS, connection)
    const names = limits.denied(STATEMENT_SETTINGS).map(({ name }) => name)
    const client = connectAgain(connection, limits)
    const identity = await identify(client, ASKING_LIMITS).catch(async (error: unknown) => {
      await client.close()
      throw refusesSettings(error) ? cutsOff(connection, messageOf(error)) : error
    })
    const info = { ...identity, notSent: { readsOnly: limits.readonly === '1', names } }
    return serverOf({ connection, client, info, limits })
  } finally {
    await bare.close()
  }
}

/** The same server over connections of its own, which nothing else waits for. It is not asked again who it is. */
export function openAgain(
  { connection, info, limits, cluster }: Server,
  more: ClickHouseSettings = {},
): Server {
  return {
    ...serverOf({ connection, client: connectAgain(connection, limits, more), info, limits }),
    cluster,
  }
}

/** The same connections under another name: what goes wrong is said of that side. */
export function serverAs(server: Server, connection: Connection): Server {
  return { ...server, ...serverOf({ ...server, connection, client: server.client.as(connection) }) }
}

function serverOf({
  connection,
  info,
  limits,
  client,
}: Pick<Server, 'connection' | 'info' | 'limits' | 'client'>): Server {
  return {
    connection,
    info,
    limits,
    client,
    db: kyselyFor<Schema>(client),
    during: (doing) => kyselyFor<Schema>(client, doing),
    identify: async () => (await identify(client)).identity,
    close: () => client.close(),
  }
}

/** @param more settings beside those of every statement */
function connectAgain(
  connection: Connection,
  limits: SettingsLimits | undefined,
  more: ClickHouseSettings = {},
): Client {
  const settings = { ...STATEMENT_SETTINGS, ...more }
  return openClient(connection, limits?.sendable(settings) ?? settings, limits)
}

async function identify(client: Client, doing = 'connecting'): Promise<ServerInfo> {
  const [info] = await client.rows<ServerInfo>({
    query: `SELECT version() AS version,
      if(serverUUID() = toUUID('00000000-0000-0000-0000-000000000000'),
        concat(hostName(), ':', toString(getServerPort('http_port'))), toString(serverUUID())) AS identity`,
    doing,
  })
  if (info?.identity === undefined) throw new Error('no answer to the question')
  return info
}

/** Somebody answered, but neither with a ClickHouse error nor with a failure of the network. */
function isForeign(error: unknown): boolean {
  return errorCode(error) === 0 && !(error instanceof Error && 'code' in error)
}

function strangerError(error: unknown, { side, url }: Connection): BackfillError {
  const { pathname } = new URL(url)
  const variable = `${side.toUpperCase()}_CLICKHOUSE`
  const path =
    pathname === '/'
      ? ''
      : `; ${pathname} is sent as the path of a proxy (the database is ${variable}_DATABASE)`
  // ClickHouse's native port says a sentence about itself; web servers say HTML.
  const said = /^\w+( [\w'.,:-]+){3,}$/.test(messageOf(error)) ? `: ${messageOf(error)}` : ''
  return new BackfillError(`what answers at ${side} ${url} is not the HTTP interface of ClickHouse${said}`, {
    kind: 'server',
    hint: `Check ${variable}_URL: the port is 8123, or 8443 with https${path}`,
    cause: error,
  })
}

export type Cluster = {
  readonly name: string
  /** Number of the shard of each node, in the order in which clusterAllReplicas() numbers the nodes from 1. */
  readonly nodes: readonly number[]
  /** Whether ON CLUSTER, Replicated tables and KeeperMap are there; else everything is on the node that is asked. */
  readonly keeper: boolean
  /** Whether connections end at different nodes. */
  readonly balanced: boolean
}
