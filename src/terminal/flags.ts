// Owns the flags that several commands share.
import type { Flag } from './argv.ts'

/** Reads a flag as the help prints it: `from <block>  First block, e.g. 19000000 (default: 0; env: NAME)`; a switch has no value. */
export function flag(text: string, more: Pick<Flag, 'bare' | 'as'> = {}): Flag {
  const [typed = '', about = ''] = text.split('  ')
  const [name = '', value] = typed.split(' ')
  return { name, ...(value !== undefined && { value }), about, ...more }
}

export function declared(...flags: readonly (Flag | string)[]): readonly Flag[] {
  return flags.map((one) => (typeof one === 'string' ? flag(one) : one))
}

export const selection = [
  flag(
    "tables <a,b>  Tables to work on: names, patterns ('address_*'), tags (tag:state), with inputs (+a), with dependants (a+), e.g. address_diffs,address_reads (default: all)",
    { bare: true },
  ),
  "exclude <a,b>  Tables to leave out, in the same forms, e.g. '*_access' (default: none)",
]
/** For commands that work on one table, which is usually typed without the flag. */
export const oneTable = flag('tables <a,b>  Key of the table', { bare: true })
export const json = flag('json  One JSON object on stdout instead of text')
const events = flag('json  One JSON object per event on stdout instead of text')
/** For commands that work on all tables only if told so. */
export const choice = [
  flag('tables <a,b>  Tables to work on, e.g. address_diffs,address_reads (default: none)', { bare: true }),
  'all  All tables, in place of --tables',
]
export const quiet = 'quiet  Warnings and errors only'
export const printing = [
  events,
  'log-format <text|json>  Form of the messages on stderr (default: text)',
  quiet,
]
export const yes = 'yes  No question before the work starts; needed outside a terminal'
export const dryRun = 'dry-run  What would be done, without writing anything'
export const from = 'from <block>  First block, fork or UTC time, e.g. 19000000, dencun'
export const to = 'to <block>  Last block or fork (default: the first block)'
export const order = 'order <oldest|newest>  Which blocks run first (default: oldest; env: BACKFILL_ORDER)'
export const chunkRows =
  'chunk-rows <rows>  Approximate number of source rows per chunk, e.g. 20000000 (default: 5 million, more on a big server; env: BACKFILL_CHUNK_ROWS)'
export const chunk =
  'chunk <blocks>  Fixed number of blocks or time per chunk, in place of --chunk-rows, e.g. 10000, 6h (env: BACKFILL_CHUNK)'
export const jobs =
  'jobs <count>  Number of statements at the same time, over all tables, e.g. 4 (default: half of the idle cores of the server, 2 to 8; env: BACKFILL_JOBS)'
export const slots = [
  jobs,
  'table-jobs <count>  Number of statements at the same time for one table, e.g. 1 (default: as --jobs; env: BACKFILL_TABLE_JOBS)',
]
export const lag =
  'lag <blocks>  Distance to keep from the newest block or time, e.g. 64, 15m or both, 64,15m (default: 384; env: BACKFILL_LAG)'
const noAudits = 'no-audits  Do not ask the audits of sql/audits before a range is done'
export const compression =
  'compression <lz4|zstd|none>  Compression of the rows that are sent from one server to another (default: lz4; env: BACKFILL_COMPRESSION)'
export const sizing = [chunkRows, chunk, order, ...slots, lag]
export const building = [...sizing, compression, noAudits]
export const range = [
  'from <block>  First block, fork or UTC time, e.g. 19000000, dencun (default: the first block of the sources)',
  'to <block>  Last block or fork. Above the newest block it declares the sources complete up to there, e.g. 20000000 (default: the newest block minus --lag)',
]
const giveUp = 'give-up <duration>  How long to wait for an unreachable server, e.g. 90s, 5m (default: 5m)'
const minFreeDisk =
  "min-free-disk <share>  Start no chunk while less of the target's disk is free: wait for as long as --give-up, e.g. 10% (default: 5%)"
const grace =
  'grace <duration>  How long chunks may take to finish after Ctrl-C, before they are killed, e.g. 10s (default: 60s)'
export const limits = [giveUp, minFreeDisk, grace]
export const maxRuntime =
  'max-runtime <duration>  How long to start new chunks; those that run by then finish, e.g. 55m (default: no limit)'
export const lockWait =
  'lock-wait <duration>  How long to wait for a lock that another run holds, e.g. 10m (default: 0)'
/** How much a run may take from others. */
export const considerate = [
  'max-load <queries|file>  Start no chunk while others run more queries, or while the SELECT of a file returns a row, e.g. 20, load.sql (default: any load)',
  'settings <a=b,…>  ClickHouse settings of the statements, of those that change speed alone, e.g. priority=10,max_threads=4 (default: none; env: BACKFILL_SETTINGS)',
]
export const endurance = [
  ...limits,
  maxRuntime,
  lockWait,
  'lock-skip  Leave out tables whose lock another run holds, and exit with 0',
]

const server = declared(
  'network <name,…>  Network, as networks.json and meta_network_name call it; up, plan, status: a,b or all, e.g. sepolia (default: mainnet; env: BACKFILL_NETWORK)',
  'cluster <name>  Cluster of the target server, as system.clusters calls it, e.g. main (default: none; env: BACKFILL_CLUSTER)',
  "accept-setting <a,b>  Settings whose value in the user's profile is accepted, though rows may depend on it, e.g. optimize_move_to_prewhere (default: none; env: BACKFILL_ACCEPT_SETTING)",
  'ledger-database <name>  Database of the ledger, e.g. ledger (default: backfill; env: BACKFILL_LEDGER_DATABASE)',
)
export const local = declared(
  'embedded  Use the embedded server, even if a server is configured',
  "state <folder>  Folder of the embedded server's data, e.g. /var/lib/backfill (default: state; env: BACKFILL_STATE)",
)
export const sql = flag(
  'sql <folder,…>  Folders of the SQL files, later ones over earlier ones; `xatu`: those of this package, e.g. xatu,./sql (default: `sql` beside .env, or xatu; env: BACKFILL_SQL)',
)
const envFile = flag(
  'env-file <file>  File with variables, in place of a .env that is found (env: BACKFILL_ENV_FILE)',
)
export const noColor = flag('no-color  No colors (env: NO_COLOR)')
export const common: readonly Flag[] = [...server, ...local, sql, envFile, noColor]
