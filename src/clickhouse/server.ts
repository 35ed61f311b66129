// Owns one ClickHouse server: a client with pinned settings, a typed query builder, and BackfillErrors.
import type { ClickHouseSettings } from '@clickhouse/client'
import type { Kysely } from 'kysely'
import { type BackfillError, serverProblem } from '../model/errors.ts'
import { OWN_SETTINGS, FROM_WHOLE_REPLICAS, PINNED_SETTINGS } from '../sql-syntax/settings.ts'
import { type Client, openClient } from './client.ts'
import type { Connection } from './connection.ts'
import { kyselyFor } from './dialect.ts'
import { SERVER_IDENTITY } from './http-transport.ts'
import type { Schema } from './schema.ts'
import {
  ASKING_LIMITS,
  cutsOff,
  readLimits,
  assertProfile,
  isSame,
  refusesSettings,
  type SettingsLimits,
  CHANGED_SETTINGS,
  type ChangedSetting,
  defaultsFor,
  refusedDefaults,
} from './settings-limits.ts'
import { errorCode, originOf, messageOf } from './server-error.ts'
import { MAX_EXECUTION_SECONDS } from './silence.ts'

type ServerInfo = {
  readonly version: string
  /** SERVER_IDENTITY (http-transport.ts). */
  readonly identity: string
  /** Settings that are not sent, because the user may not change them; `readsOnly`: a profile with readonly = 1. */
  readonly notSent?: { readonly readsOnly: boolean; readonly names: readonly string[] }
  /** Settings that differ from the server's defaults, those of every statement included. */
  readonly changed: readonly ChangedSetting[]
}

export type Server = {
  readonly connection: Connection
  readonly info: ServerInfo
  /** The settings that the user may not set; undefined if all could be set. */
  readonly limits: SettingsLimits | undefined
  /** Defaults that are sent with every statement in place of the profile's values. */
  readonly defaults: ClickHouseSettings
  readonly client: Client
  readonly db: Kysely<Schema>
  during(doing: string, clickhouse_settings?: ClickHouseSettings): Kysely<Schema>
  /** The cluster of which it is a node; undefined: a single server, or a source. */
  readonly cluster?: Cluster | undefined
  identify(): Promise<string>
  close(): Promise<void>
}

/** Without these settings a statement may end with status 200 although rows are missing. */
export const STATEMENT_SETTINGS: ClickHouseSettings = {
  ...PINNED_SETTINGS,
  max_execution_time: MAX_EXECUTION_SECONDS,
  ...OWN_SETTINGS,
  // With this value a join of two Distributed tables is correct wherever their rows are. A header may set `local`.
  distributed_product_mode: 'global',
  ...FROM_WHOLE_REPLICAS,
}

/** Reaches a server and asks for its identity. @throws BackfillError `server` if it cannot be reached or refuses the login. */
export async function openServer(connection: Connection): Promise<Server> {
  const server = await openWith(connection, STATEMENT_SETTINGS).catch(async (error: unknown) => {
    if (refusesSettings(error)) return await openLimited(connection)
    throw error
  })
  return await withDefaults(server)
}

/** The same server with the defaults in place of what its profile changes. Closes `server` unless it is returned. */
async function withDefaults(server: Server): Promise<Server> {
  const { connection, limits } = server
  let client = server.client
  try {
    let { info } = server
    let { defaults } = server
    for (;;) {
      const more = defaultsFor(info.changed, { sent: STATEMENT_SETTINGS, defaults }, connection)
      if (Object.keys(more).length === 0)
        return client === server.client ? server : serverOf({ connection, client, info, limits, defaults })
      await client.close()
      defaults = { ...defaults, ...more }
      client = connectAgain(connection, limits, defaults)
      const { changed } = info
      const now = await identify({ client, connection, limits }).catch((error: unknown) => {
        throw refusedDefaults(changed, error, connection) ?? error
      })
      info = { ...info, ...now }
    }
  } catch (error) {
    await client.close()
    throw error
  }
}

/** The same with only these settings: the profile decides on the others. @throws BackfillError `server`, `failed` */
export async function openWith(connection: Connection, settings: ClickHouseSettings): Promise<Server> {
  const client = openClient(connection, settings)
  try {
    const info = await identify({ client, connection, limits: undefined, sent: settings })
    return serverOf({ connection, client, info, limits: undefined, defaults: {} })
  } catch (error) {
    await client.close()
    throw isForeign(originOf(error)) ? strangerError(error, connection) : error
  }
}

/** Checks the profile's values of the settings that the user may not set, then sends the others. */
async function openLimited(connection: Connection): Promise<Server> {
  const bare = openClient(connection, {})
  try {
    const limits = await readLimits(bare, connection)
    assertProfile(limits, STATEMENT_SETTINGS, connection)
    const names = limits.denied(STATEMENT_SETTINGS).map(({ name }) => name)
    const client = connectAgain(connection, limits)
    const asked = { client, connection, limits, doing: ASKING_LIMITS }
    const identity = await identify(asked).catch(async (error: unknown) => {
      await client.close()
      throw refusesSettings(error) ? cutsOff(connection, messageOf(error)) : error
    })
    const info = { ...identity, notSent: { readsOnly: limits.readonly === '1', names } }
    return serverOf({ connection, client, info, limits, defaults: {} })
  } finally {
    await bare.close()
  }
}

/** The same server over separate connections, so that nothing queues behind it. The identity is not asked again. */
export function openAgain(
  { connection, info, limits, defaults, cluster, client: { hosts } }: Server,
  more: ClickHouseSettings = {},
): Server {
  const client = connectAgain(connection, limits, { ...defaults, ...more }, hosts)
  return { ...serverOf({ connection, client, info, limits, defaults }), cluster }
}

export function serverAs(server: Server, connection: Connection): Server {
  return { ...server, ...serverOf({ ...server, connection, client: server.client.as(connection) }) }
}

function serverOf({
  connection,
  info,
  limits,
  defaults,
  client,
}: Pick<Server, 'connection' | 'info' | 'limits' | 'defaults' | 'client'>): Server {
  const asked = (answered?: Asked['answered']) => identify({ client, connection, limits, answered })
  client.hosts.add(info.identity)
  // What stands before that host may drop settings, too.
  client.onAnotherHost(asked)
  return {
    connection,
    info,
    limits,
    defaults,
    client,
    db: kyselyFor<Schema>(client),
    during: (doing, clickhouse_settings = {}) => kyselyFor<Schema>(client, { doing, clickhouse_settings }),
    identify: async () => (await asked()).identity,
    close: () => client.close(),
  }
}

function connectAgain(
  connection: Connection,
  limits: SettingsLimits | undefined,
  more: ClickHouseSettings = {},
  hosts?: Client['hosts'],
): Client {
  const settings = { ...STATEMENT_SETTINGS, ...more }
  return openClient(connection, limits?.sendable(settings) ?? settings, limits, hosts)
}

/** `sent`: what the client sends with every statement, if it is not STATEMENT_SETTINGS as far as the user may set them. */
type Asked = Pick<Server, 'client' | 'connection' | 'limits'> &
  Pick<Parameters<Client['rows']>[0], 'doing' | 'answered'> & { readonly sent?: ClickHouseSettings }

/** Asks also whether the settings have arrived, which proxies drop. @throws BackfillError `server` naming those that have not */
async function identify({ client, connection, limits, sent, ...why }: Asked): Promise<ServerInfo> {
  const settings = sent ?? limits?.sendable(STATEMENT_SETTINGS) ?? STATEMENT_SETTINGS
  const names = Object.keys(settings)
  // A profile may have other words for true and false.
  const [answer] = await client.rows<ServerInfo & { readonly arrived?: readonly string[] }>({
    query: `SELECT version() AS version,
      arrayMap(said -> transform(said, [toString(true), toString(false)], ['1', '0'], said), [${names.map((name) => `toString(getSetting('${name}'))`).join(', ')}]::Array(String)) AS arrived,
      ${SERVER_IDENTITY} AS identity,
      ${CHANGED_SETTINGS} AS changed
      FROM system.settings`,
    doing: 'connecting',
    ...why,
  })
  if (answer?.identity === undefined) throw new Error('no answer to the question')
  const { arrived = [], ...info } = answer
  const lost = names.filter((name, index) => arrived.length > 0 && !isSame(arrived[index]!, settings[name]))
  if (lost.length > 0) throw settingsLost(connection, lost)
  return info
}

function settingsLost({ side, url }: Connection, names: readonly string[]): BackfillError {
  return serverProblem(
    `settings that are sent to ClickHouse (${side} ${url}) do not arrive: ${names.join(', ')}; rows could be missing silently`,
    `A proxy drops the parameters that it does not know: let it pass all, or set ${side.toUpperCase()}_CLICKHOUSE_URL to the server itself`,
  )
}

/** There was an answer, but it is neither a ClickHouse error nor a network failure. */
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
  // ClickHouse's native port answers with a sentence about itself; web servers answer with HTML.
  const said = /^\w+( [\w'.,:-]+){3,}$/.test(messageOf(error)) ? `: ${messageOf(error)}` : ''
  return serverProblem(
    `the server at ${side} ${url} is not the HTTP interface of ClickHouse${said}`,
    `Check ${variable}_URL: the port is 8123, or 8443 with https${path}`,
    { cause: error },
  )
}

export type Cluster = {
  readonly name: string
  /** Number of the shard of each node, in the order in which clusterAllReplicas() numbers the nodes from 1. */
  readonly nodes: readonly number[]
  /** The nodes in the same order, as people find them: `replica 2 of shard 1 (host:9000)`. */
  readonly places: readonly string[]
  /** Number of the shard of each remainder of a sharding key: a shard has as many as its weight. */
  readonly slots: readonly number[]
  readonly unreachable: readonly string[]
  readonly names: Names
  /** What nodes lack of these; `late`: rows, which may come. */
  readonly lacking?: readonly { readonly error: BackfillError; readonly kind: string }[]
  /** Whether ON CLUSTER, Replicated tables and KeeperMap are available; else everything is on the connected node. */
  readonly keeper: boolean
  readonly balanced: boolean // Whether connections reach different nodes.
}

/** `inKeeper`: locks are rows of a table `locks` in Keeper instead of tables. */
export type Names = Readonly<{ ledger: string; locks: string; inKeeper?: boolean }>
