// Owns the flags that several commands share.
import type { Flag } from './argv.ts'

type More = Omit<Partial<Flag>, 'name' | 'value' | 'about'>

/** `typed` is its notation in the help: `from <block>`, or `dry-run` for a switch. */
export function flag(typed: string, about: string, more: More = {}): Flag {
  const [name = '', value] = typed.split(' ')
  return { name, ...(value !== undefined && { value }), about, ...more }
}

export const tables = flag('tables <a,b>', 'Tables to work on', {
  example: 'address_diffs,address_reads',
  fallback: 'all',
  bare: true,
})
/** The choice of tables, for commands that work on several. */
export const selection: readonly Flag[] = [
  {
    ...tables,
    about: "Tables to work on: names, patterns ('address_*'), with inputs (+a), with dependants (a+)",
  },
  flag('exclude <a,b>', 'Tables to leave out, in the same forms', {
    example: "'*_access'",
    fallback: 'none',
  }),
]
/** For commands that work on one table, which is usually typed without the flag. */
export const oneTable = flag('tables <a,b>', 'Key of the table', { bare: true })
export const json = flag('json', 'One JSON object on stdout instead of text')
const events = flag('json', 'One JSON object per event on stdout instead of text')
export const all = flag('all', 'All tables, in place of --tables')
export const quiet = flag('quiet', 'Warnings and errors only')
/** Flags of commands that run chunks. */
export const printing: readonly Flag[] = [
  events,
  flag('log-format <text|json>', 'Form of the messages on stderr', { fallback: 'text' }),
  quiet,
]
export const yes = flag('yes', 'No question before the work starts; needed outside a terminal')
export const dryRun = flag('dry-run', 'What would be done, without writing anything')
export const from = flag('from <block>', 'First block, or UTC time', { example: '19000000' })
export const to = flag('to <block>', 'Last block', { fallback: 'the first block' })
export const order = flag('order <oldest|newest>', 'Which blocks run first', {
  fallback: 'oldest',
  variable: 'BACKFILL_ORDER',
})
export const chunkRows = flag('chunk-rows <rows>', 'Approximate number of source rows per chunk', {
  example: '20000000',
  fallback: '5 million',
  variable: 'BACKFILL_CHUNK_ROWS',
})
export const chunk = flag(
  'chunk <blocks>',
  'Fixed number of blocks or time per chunk, in place of --chunk-rows',
  {
    example: '10000, 6h',
    variable: 'BACKFILL_CHUNK',
  },
)
export const jobs = flag('jobs <count>', 'Number of statements at the same time, over all tables', {
  example: '4',
  fallback: 'half of the idle cores of the server, 2 to 8',
  variable: 'BACKFILL_JOBS',
})
export const slots: readonly Flag[] = [
  jobs,
  flag('table-jobs <count>', 'Number of statements at the same time for one table', {
    example: '1',
    fallback: 'as --jobs',
    variable: 'BACKFILL_TABLE_JOBS',
  }),
]
export const lag = flag('lag <blocks>', 'Distance to keep from the newest block or time', {
  example: '64, 15m or both, 64,15m',
  fallback: '384',
  variable: 'BACKFILL_LAG',
})
export const compression = flag(
  'compression <lz4|zstd|none>',
  'Compression of the rows that are sent from one server to another',
  { fallback: 'lz4', variable: 'BACKFILL_COMPRESSION' },
)
/** Flags for the size of chunks and the number of statements at the same time. */
export const sizing: readonly Flag[] = [chunkRows, chunk, order, ...slots, lag]
export const range: readonly Flag[] = [
  { ...from, fallback: 'the first block of the sources' },
  {
    ...to,
    about: 'Last block. Above the newest block it declares the sources complete up to there',
    example: '20000000',
    fallback: 'the newest block minus --lag',
  },
]
export const giveUp = flag('give-up <duration>', 'How long to wait for an unreachable server', {
  example: '90s, 5m',
  fallback: '5m',
})
export const minFreeDisk = flag(
  'min-free-disk <share>',
  "Start no chunk while less of the target's disk is free: wait for as long as --give-up",
  { example: '10%', fallback: '5%' },
)
export const grace = flag(
  'grace <duration>',
  'How long chunks may take to finish after Ctrl-C, before they are killed',
  { example: '10s', fallback: '60s' },
)
export const maxRuntime = flag(
  'max-runtime <duration>',
  'How long to start new chunks; those that run by then finish',
  { example: '55m', fallback: 'no limit' },
)
export const lockWait = flag('lock-wait <duration>', 'How long to wait for a lock that another run holds', {
  example: '10m',
  fallback: '0',
})
/** How much a run may take from others. */
export const considerate: readonly Flag[] = [
  flag(
    'max-load <queries|file>',
    'Start no chunk while others run more queries, or while the SELECT of a file returns a row',
    {
      example: '20, load.sql',
      fallback: 'any load',
    },
  ),
  flag('settings <a=b,…>', 'ClickHouse settings of the statements, of those that change speed alone', {
    example: 'priority=10,max_threads=4',
    fallback: 'none',
    variable: 'BACKFILL_SETTINGS',
  }),
]
export const endurance: readonly Flag[] = [
  giveUp,
  minFreeDisk,
  grace,
  maxRuntime,
  lockWait,
  flag('lock-skip', 'Leave out tables whose lock another run holds, and exit with 0'),
]

/** Flags that mean the same for every command that talks to a server. */
export const server: readonly Flag[] = [
  flag(
    'network <name>',
    'Network, as networks.json and meta_network_name call it; up, plan, status: a,b or all',
    {
      example: 'sepolia',
      fallback: 'mainnet',
      variable: 'BACKFILL_NETWORK',
    },
  ),
  flag('cluster <name>', 'Cluster of the target server, as system.clusters calls it', {
    example: 'main',
    fallback: 'none',
    variable: 'BACKFILL_CLUSTER',
  }),
  flag(
    'accept-setting <a,b>',
    "Settings whose value in the user's profile is accepted, though rows may depend on it",
    {
      example: 'optimize_move_to_prewhere',
      fallback: 'none',
      variable: 'BACKFILL_ACCEPT_SETTING',
    },
  ),
  flag('ledger-database <name>', 'Database of the ledger', {
    example: 'ledger',
    fallback: 'backfill',
    variable: 'BACKFILL_LEDGER_DATABASE',
  }),
]
export const local: readonly Flag[] = [
  flag('embedded', 'Use the embedded server, even if a server is configured'),
  flag('state <folder>', "Folder of the embedded server's data", {
    example: '/var/lib/backfill',
    fallback: 'state',
    variable: 'BACKFILL_STATE',
  }),
]
export const sql = flag(
  'sql <folder,…>',
  'Folders of the SQL files, later ones over earlier ones; `xatu`: those of this package',
  {
    example: 'xatu,./sql',
    fallback: '`sql` beside .env, or xatu',
    variable: 'BACKFILL_SQL',
  },
)
const envFile = flag('env-file <file>', 'File with variables, in place of a .env that is found', {
  variable: 'BACKFILL_ENV_FILE',
})
export const noColor = flag('no-color', 'No colors', { variable: 'NO_COLOR' })
export const common: readonly Flag[] = [...server, ...local, sql, envFile, noColor]

/** `How long to wait for an unreachable server, e.g. 90s, 5m (default: 5m)`. */
export function flagText({ about, example, fallback, variable }: Omit<Flag, 'name'>): string {
  const notes = [
    ...(fallback === undefined ? [] : [`default: ${fallback}`]),
    ...(variable === undefined ? [] : [`env: ${variable}`]),
  ]
  return `${about}${example === undefined ? '' : `, e.g. ${example}`}${notes.length === 0 ? '' : ` (${notes.join('; ')})`}`
}
