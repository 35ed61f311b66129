// Owns the configuration: every value for a command, and the origin of each; and what the SQL folders that it uses are called in output.
import * as values from './values.ts'
import { resolve, dirname, join, relative } from 'node:path'
import type { ServerRole } from '../clickhouse/connection.ts'
import { proxySecrets } from '../model/proxy.ts'
import type { Order } from '../planning/row-estimates.ts'
import { DEFAULT_COMPRESSION, type Compression, COMPRESSIONS, type PerUnit } from '../model/model.ts'
import { assertInside, findEnvFile, shownEnvFile } from './env-file.ts'
import { type Word, nonEmpty } from './values.ts'
import { type Layers, readDotenv, type Setting, setting, variable, unknownVariables } from './variables.ts'
import { doubtsAbout, LEGACY, prefixOf, readOnce, readServers } from './servers.ts'
import { existsSync } from 'node:fs'
import { PROGRAM_SQL } from '../package-folder.ts'

export type Config = ReturnType<typeof readConfig>

/** Twelve epochs. */
const LAG: PerUnit = { block: 384, second: 4608 }

/** Flags override the environment, which overrides `.env`, which overrides the defaults. @throws BackfillError `usage` */
export function readConfig({
  flags,
  environment,
  folder,
  read = readOnce(),
}: Pick<Layers, 'flags' | 'environment'> & { folder: string; read?: ReturnType<typeof readOnce> }) {
  const envFile = findEnvFile(flags, environment, folder)
  const layers: Layers = { flags, environment, dotenv: readDotenv(envFile?.path), envFile }

  const optional = <T>(name: string, valueOf: (word: Word) => T) =>
    setting<T | undefined>(layers, name, valueOf, undefined)
  const network = setting(layers, 'network', values.nonEmpty, 'mainnet')
  const servers = readServers(layers, folder, read)
  const logins = servers.kind === 'remote' ? [servers.source, servers.target] : []
  const found = setting(layers, 'state', values.nonEmpty, 'state')
  const state = { ...found, value: resolve(folder, found.value) }
  assertInside(envFile, state)
  return {
    network,
    lag: setting<PerUnit>(layers, 'lag', values.perUnit(LAG), LAG),
    /** Statements at the same time; undefined: by the server's capacity. */
    jobs: optional('jobs', values.positiveCount),
    tableJobs: optional('table-jobs', values.positiveCount),
    /** Positions per chunk; undefined: the table's own hint. */
    chunk: optional('chunk', values.perUnit({}, 1)),
    chunkRows: optional('chunk-rows', values.positiveCount),
    order: setting<Order>(layers, 'order', values.oneOf(['oldest', 'newest']), 'oldest'),
    cluster: optional('cluster', values.clusterName),
    compression: setting<Compression>(layers, 'compression', values.oneOf(COMPRESSIONS), DEFAULT_COMPRESSION),
    acceptSetting: setting<readonly string[]>(layers, 'accept-setting', values.names, []),
    settings: setting<Readonly<Record<string, string>>>(layers, 'settings', values.harmlessSettings, {}),
    ledgerDatabase: setting(layers, 'ledger-database', values.databaseName, 'backfill'),
    /** Folders of the SQL files, absolute; a later one counts over an earlier one. */
    sql: sqlFolders(layers, folder),
    state,
    /** Place of the public files; undefined if not configured. The folder is absolute. */
    importUrl: optional('import-url', values.nonEmpty),
    importFolder: optional('import-folder', (word) => resolve(folder, values.nonEmpty(word))),
    servers,
    databases: {
      source: database(layers, 'source', { value: 'default', origin: 'default' }),
      target: database(layers, 'target', { value: network.value, origin: "default: the network's name" }),
    },
    /** The `.env` that was read, relative to the working folder. */
    envFile: envFile && shownEnvFile(envFile, folder),
    folder,
    warnings: [
      ...(logins.some(({ url }) => url.origin.includes(LEGACY)) ? [OLD_NAME] : []),
      ...unknownVariables(layers.dotenv, environment),
      ...new Set(logins.flatMap(doubtsAbout)),
    ],
    secrets: [
      ...logins.map(({ password }) => password.value).filter((secret) => secret !== ''),
      ...proxySecrets(environment),
    ],
  }
}

function database(layers: Layers, side: ServerRole, fallback: Setting<string>): Setting<string> {
  const found = variable(layers, `${prefixOf(side)}_DATABASE`)
  return found ? { value: values.databaseName(found), origin: found.origin } : fallback
}

const OLD_NAME = `${LEGACY}_* is the old name: set SOURCE_CLICKHOUSE_* and TARGET_CLICKHOUSE_* instead.`

export const PUBLIC_URL = 'https://data.ethpandaops.io/xatu'

/** The tables of this package, as people name its folder. */
const XATU = 'xatu'

/** `isUsual`: --sql was typed, and without it the folders would be the same. */
type SqlFolders = Setting<readonly string[]> & { readonly isUsual: boolean }

/** --sql, BACKFILL_SQL, `sql` beside the `.env` that is used (without one: in the working folder), the package's own. */
function sqlFolders(layers: Layers, folder: string): SqlFolders {
  const { envFile } = layers
  const beside = join(envFile === undefined ? folder : dirname(envFile.path), 'sql')
  // A folder with one of them alone has a mistake, which the package's own tables would hide.
  const isProject = ['transforms', 'ddl'].some((name) => existsSync(join(beside, name)))
  const read = (from: Layers) => setting(from, 'sql', folderNames, [isProject ? beside : XATU])
  const paths = ({ value }: Setting<readonly string[]>) =>
    value.map((name) => (name === XATU ? PROGRAM_SQL : resolve(folder, name)))
  const found = read(layers)
  const untyped = new Map([...layers.flags].filter(([name]) => name !== 'sql'))
  return {
    value: paths(found),
    isUsual:
      layers.flags.has('sql') && paths(read({ ...layers, flags: untyped })).join() === paths(found).join(),
    origin:
      found.origin === 'default' && isProject
        ? `default: ${envFile === undefined ? 'in the working folder' : 'beside .env'}`
        : found.origin,
  }
}

function folderNames(word: Word): readonly string[] {
  return nonEmpty(word)
    .split(',')
    .map((text) => nonEmpty({ ...word, text: text.trim() }))
}

export function shownFolders(folders: readonly string[], folder: string): string {
  return folders.map((one) => (one === PROGRAM_SQL ? XATU : relative(folder, one) || '.')).join(', ')
}
