// Owns the configuration: every value for a command, and the origin of each.
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { PACKAGE_FOLDER } from '../package-folder.ts'
import type { Order } from '../planning/chunks.ts'
import { DEFAULT_COMPRESSION, type Compression, COMPRESSIONS } from '../model/model.ts'
import { blockCount, clusterName, nonEmpty, oneOf, positiveCount, type Flags } from './values.ts'
import { LEGACY, prefixOf, readServers, type Servers, type ServerRole } from './servers.ts'
import { type Environment, type Layers, readDotenv, type Setting, setting, variable } from './variables.ts'

export type Config = {
  readonly network: Setting<string>
  /** Distance kept from the newest block, in blocks. */
  readonly lag: Setting<number>
  /** Statements at the same time; undefined: by the server's capacity. */
  readonly jobs: Setting<number | undefined>
  readonly tableJobs: Setting<number | undefined>
  /** Blocks per chunk; undefined: the table's own hint. */
  readonly chunk: Setting<number | undefined>
  /** Expected rows per chunk; undefined: the default. */
  readonly chunkRows: Setting<number | undefined>
  readonly order: Setting<Order>
  /** Cluster of the target server; undefined: a single server. */
  readonly cluster: Setting<string | undefined>
  /** Compression between two servers. */
  readonly compression: Setting<Compression>
  readonly ledgerDatabase: Setting<string>
  /** Folder of the SQL files, absolute. */
  readonly sql: Setting<string>
  /** Folder of the embedded server's data, absolute. */
  readonly state: Setting<string>
  /** Place of the public files; undefined if not configured. The folder is absolute. */
  readonly importUrl: Setting<string | undefined>
  readonly importFolder: Setting<string | undefined>
  readonly servers: Servers
  readonly databases: Readonly<Record<ServerRole, Setting<string>>>
  /** Folder that relative paths start from. */
  readonly folder: string
  readonly warnings: readonly string[]
  /** Passwords, to mask in all output. */
  readonly secrets: readonly string[]
}

/** The SQL folder that ships with the program, absolute. */
export const PROGRAM_SQL = fileURLToPath(new URL('sql', PACKAGE_FOLDER))

export type ConfigQuestion = {
  readonly flags: Flags
  readonly environment: Environment
  readonly folder: string
}

/**
 * Flags override the environment, which overrides `.env` in the working folder, which overrides the defaults.
 * @throws BackfillError `usage` for the first value that cannot be read.
 */
export function readConfig({ flags, environment, folder }: ConfigQuestion): Config {
  const layers: Layers = { flags, environment, dotenv: readDotenv(folder) }
  const path = (name: string, fallback: string): Setting<string> => {
    const found = setting(layers, { name, read: nonEmpty, fallback })
    return { ...found, value: resolve(folder, found.value) }
  }
  const count = (name: string) =>
    setting<number | undefined>(layers, { name, read: positiveCount, fallback: undefined })
  const text = (name: string, use: (word: string) => string) =>
    setting<string | undefined>(layers, { name, read: (word) => use(nonEmpty(word)), fallback: undefined })
  const network = setting(layers, { name: 'network', read: nonEmpty, fallback: 'mainnet' })
  const servers = readServers(layers, folder)
  return {
    network,
    lag: setting(layers, { name: 'lag', read: blockCount, fallback: 384 }),
    jobs: count('jobs'),
    tableJobs: count('table-jobs'),
    chunk: count('chunk'),
    chunkRows: count('chunk-rows'),
    order: setting<Order>(layers, { name: 'order', read: oneOf(['oldest', 'newest']), fallback: 'oldest' }),
    cluster: setting<string | undefined>(layers, { name: 'cluster', read: clusterName, fallback: undefined }),
    compression: setting<Compression>(layers, {
      name: 'compression',
      read: oneOf(COMPRESSIONS),
      fallback: DEFAULT_COMPRESSION,
    }),
    ledgerDatabase: setting(layers, { name: 'ledger-database', read: nonEmpty, fallback: 'backfill' }),
    sql: path('sql', PROGRAM_SQL),
    state: path('state', 'state'),
    importUrl: text('import-url', (word) => word),
    importFolder: text('import-folder', (word) => resolve(folder, word)),
    servers,
    databases: {
      source: database(layers, 'source', { value: 'default', origin: 'default' }),
      target: database(layers, 'target', { value: network.value, origin: "default: the network's name" }),
    },
    folder,
    warnings: warningsOf(servers),
    secrets: secretsOf(servers),
  }
}

function database(layers: Layers, side: ServerRole, fallback: Setting<string>): Setting<string> {
  const found = variable(layers, `${prefixOf(side)}_DATABASE`)
  return found === undefined ? fallback : { value: found.text, origin: found.origin }
}

function warningsOf(servers: Servers): readonly string[] {
  if (servers.kind === 'embedded') return []
  const legacy = [servers.source, servers.target].some(({ url }) => url.origin.includes(LEGACY))
  return legacy
    ? [`${LEGACY}_* is the old name: set SOURCE_CLICKHOUSE_* and TARGET_CLICKHOUSE_* instead.`]
    : []
}

function secretsOf(servers: Servers): readonly string[] {
  if (servers.kind === 'embedded') return []
  return [servers.source.password.value, servers.target.password.value].filter((secret) => secret !== '')
}

export const PUBLIC_URL = 'https://data.ethpandaops.io/xatu'
