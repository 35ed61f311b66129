// Owns the flags that several commands share: each word is explained once.
import type { Flag } from './argv.ts'

export const tables: Flag = { name: 'tables', value: '<a,b>', about: 'Only these tables (default: all)' }
export const json: Flag = { name: 'json', about: 'One JSON object on stdout' }
export const events: Flag = { name: 'json', about: 'One JSON object per event on stdout' }
export const all: Flag = { name: 'all', about: 'All tables' }
export const quiet: Flag = { name: 'quiet', about: 'Print nothing but warnings and errors' }
export const yes: Flag = { name: 'yes', about: 'Do not ask' }
export const order: Flag = {
  name: 'order',
  value: '<oldest|newest>',
  about: 'Oldest blocks first: tail (default), or newest first: head',
}
const range: readonly Flag[] = [
  { name: 'from', value: '<N>', about: 'Only blocks from N on' },
  {
    name: 'to',
    value: '<N>',
    about: 'Only blocks up to N; above the head: the sources are complete up to N',
  },
  { name: 'chunk-rows', value: '<N>', about: 'Source rows per chunk, about (default: 5 million)' },
  { name: 'chunk', value: '<N>', about: 'Blocks per chunk, whatever they weigh' },
  order,
]
export const slots: readonly Flag[] = [
  {
    name: 'jobs',
    value: '<N>',
    about: "Statements at once over all tables (default: by the server's cores)",
  },
  { name: 'table-jobs', value: '<N>', about: 'Statements at once for one table (default: as --jobs)' },
]
export const lag: Flag = {
  name: 'lag',
  value: '<N>',
  about: 'Blocks to stay behind the newest one (default: 384)',
}
export const compression: Flag = {
  name: 'compression',
  value: '<lz4|zstd|none>',
  about: 'How rows are packed between two servers (default: lz4)',
}
export const limits: readonly Flag[] = [...range, ...slots, lag]
export const endurance: readonly Flag[] = [
  { name: 'give-up', value: '<time>', about: 'Wait so long for a server that is away: 90, 5m (default: 5m)' },
  {
    name: 'grace',
    value: '<time>',
    about: 'After Ctrl-C, let chunks end so long, then kill them (default: 60)',
  },
  { name: 'max-runtime', value: '<time>', about: 'Start nothing new after so long: 55m' },
  { name: 'lock-wait', value: '<time>', about: 'Wait so long for a lock that is held (default: 0)' },
  { name: 'lock-skip', about: 'Leave out tables whose lock is held, exit 0' },
]

/** Flags that mean the same for every command that talks to a server. */
export const server: readonly Flag[] = [
  { name: 'network', value: '<name>', about: 'Network (default: mainnet)' },
  { name: 'cluster', value: '<name>', about: 'Cluster of the target server (default: none)' },
  { name: 'ledger-database', value: '<name>', about: 'Database of the ledger (default: backfill)' },
]
export const local: readonly Flag[] = [
  { name: 'embedded', about: 'Use the embedded server, whatever is configured' },
  { name: 'state', value: '<folder>', about: "Folder of the embedded server's data (default: state)" },
]
export const sql: Flag = {
  name: 'sql',
  value: '<folder>',
  about: 'Folder of the SQL files (default: those of this package)',
}
export const noColor: Flag = { name: 'no-color', about: 'No colours' }
export const common: readonly Flag[] = [...server, ...local, sql, noColor]
