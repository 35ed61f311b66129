// Owns the way from the configuration to a world, and back: servers started, connected, closed, stopped.
import { join, relative } from 'node:path'
import type { Connection } from '../clickhouse/connection.ts'
import type { OpenWorld } from '../runner/open-world.ts'
import type { Catalogue } from '../model/model.ts'
import { names, readFlag, type Words } from '../terminal/argv.ts'
import type { Login, Side } from '../workspace/servers.ts'
import type { Context } from './command.ts'
import { toolVersion } from '../workspace/tool-version.ts'

export type Connections = Readonly<Record<Side, Connection>>

export type Session = Pick<OpenWorld, 'world' | 'servers' | 'connected' | 'wire'>

export type SessionHooks = {
  /** Runs when the servers are there and nothing has looked at them yet. */
  readonly before?: (connections: Connections, catalogue: Catalogue) => Promise<void>
}

/**
 * Reads the SQL folder, starts the embedded server where it is meant, opens the world, and closes all of it when
 * `use` has ended, however it ended.
 * @throws BackfillError `usage` for an unknown network or table or a bad SQL file, before any server is asked;
 *   `server` when one cannot be reached or refuses the login.
 */
export async function withWorld<T>(
  context: Context,
  use: (session: Session) => Promise<T>,
  hooks: SessionHooks = {},
): Promise<T> {
  const { config, words, output } = context
  output.message(config.warnings.map((warning) => `${output.messagePaint.yellow('warning:')} ${warning}`))
  const { chooseTables, findNetwork, readCatalogue } = await import('../project/sql-folder.ts')
  const catalogue = await readCatalogue(config.sql.value)
  const network = findNetwork(catalogue, config.network.value)
  const chosen = chooseTables(catalogue, chosenNames(words) ?? catalogue.tables.map(({ key }) => key))

  return await withConnections(context, async (connections) => {
    await hooks.before?.(connections, catalogue)
    const { openWorld } = await import('../runner/open-world.ts')
    const opened = await openWorld({
      ...connections,
      ledgerDatabase: config.ledgerDatabase.value,
      cluster: config.cluster.value,
      network,
      catalogue,
      chosen,
      alone: config.servers.kind === 'embedded',
      toolVersion: toolVersion(),
      wire: config.wire.value,
    })
    try {
      return await use(opened)
    } finally {
      await opened.close()
    }
  })
}

/** Table keys after --tables; undefined where it was not typed. */
function chosenNames(words: Words): readonly string[] | undefined {
  return readFlag(words, 'tables', names)
}

/** Starts the embedded server where it is meant, and stops it when `use` has ended, however it ended. */
export async function withConnections<T>(
  { config, output, words }: Context,
  use: (connections: Connections) => Promise<T>,
): Promise<T> {
  const { servers, databases } = config
  if (servers.kind === 'remote') {
    const connect = (side: Side): Connection => ({
      side,
      database: databases[side].value,
      ...values(servers[side]),
    })
    return await use({ source: connect('source'), target: connect('target') })
  }
  const directory = join(config.state.value, 'embedded')
  output.message(
    embeddedLines(servers.origin, relative(config.folder, directory) || directory, words.has('quiet')),
  )
  const { startEmbedded } = await import('../embedded/embedded-server.ts')
  const server = await startEmbedded({ directory })
  const { url, username, password } = server
  const connect = (side: Side): Connection => ({
    side,
    database: databases[side].value,
    url,
    username,
    password,
  })
  try {
    return await use({ source: connect('source'), target: connect('target') })
  } finally {
    await server.stop()
  }
}

function values({ url, username, password, ca }: Login): Omit<Connection, 'side' | 'database'> {
  return {
    url: url.value,
    username: username.value,
    password: password.value,
    ...(ca && { ca: ca.value.pem }),
  }
}

/** Nothing configured may be a slip (a crontab without the variables): that is said even with --quiet. */
function embeddedLines(origin: string, folder: string, quiet: boolean): readonly string[] {
  if (origin === 'default') {
    return [
      `No ClickHouse configured: using the embedded server in ${folder} (set TARGET_CLICKHOUSE_URL to use yours).`,
    ]
  }
  return quiet ? [] : [`Using the embedded server in ${folder}.`]
}
