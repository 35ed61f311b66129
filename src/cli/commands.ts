// Owns the table of commands: what each is called, says, takes, and where its code is.
import type { Flag } from './argv.ts'
import type { Command } from './context.ts'

export type CommandEntry = {
  readonly name: string
  readonly group: 'Work' | 'Look' | 'SQL' | 'As in the Python scripts'
  readonly about: string
  readonly flags: readonly Flag[]
  /** Flags that the command always has, as if they were typed. */
  readonly implied?: Readonly<Record<string, string>>
  /** Loads the code on use: `--help` and usage errors must not wait for the ClickHouse client. */
  readonly load: () => Promise<Command>
}

const tables: Flag = { name: 'tables', value: '<a,b>', about: 'Only these tables (default: all)' }
const json: Flag = { name: 'json', about: 'One JSON object on stdout' }
const events: Flag = { name: 'json', about: 'One JSON object per event on stdout' }
const all: Flag = { name: 'all', about: 'All tables' }
const quiet: Flag = { name: 'quiet', about: 'Print nothing but warnings and errors' }
const range: readonly Flag[] = [
  { name: 'from', value: '<N>', about: 'Only blocks from N on' },
  {
    name: 'to',
    value: '<N>',
    about: 'Only blocks up to N; above the head: the sources are complete up to N',
  },
  { name: 'chunk-rows', value: '<N>', about: 'Source rows per chunk, about (default: 5 million)' },
  { name: 'chunk', value: '<N>', about: 'Blocks per chunk, whatever they weigh' },
  { name: 'order', value: '<end>', about: 'Oldest blocks first: tail (default), or newest first: head' },
]
const slots: readonly Flag[] = [
  {
    name: 'jobs',
    value: '<N>',
    about: "Statements at once over all tables (default: by the server's cores)",
  },
  { name: 'table-jobs', value: '<N>', about: 'Statements at once for one table (default: as --jobs)' },
]
const lag: Flag = { name: 'lag', value: '<N>', about: 'Blocks to stay behind the newest one (default: 384)' }
const limits: readonly Flag[] = [...range, ...slots, lag]
const endurance: readonly Flag[] = [
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
const server: readonly Flag[] = [
  { name: 'network', value: '<name>', about: 'Network (default: mainnet)' },
  { name: 'ledger-database', value: '<name>', about: 'Database of the ledger (default: backfill)' },
]
const local: readonly Flag[] = [
  { name: 'embedded', about: 'Use the embedded server, whatever is configured' },
  { name: 'state', value: '<folder>', about: "Folder of the embedded server's data (default: state)" },
]
const sql: Flag = {
  name: 'sql',
  value: '<folder>',
  about: 'Folder of the SQL files (default: those of this package)',
}
const noColor: Flag = { name: 'no-color', about: 'No colours' }
const common: readonly Flag[] = [...server, ...local, sql, noColor]

export const COMMANDS: readonly CommandEntry[] = [
  {
    name: 'up',
    group: 'Work',
    about: 'Create missing tables and process every missing block',
    flags: [
      tables,
      ...limits,
      ...endurance,
      { name: 'dry-run', about: 'Show the chunks, write nothing' },
      events,
      quiet,
      ...common,
    ],
    load: async () => (await import('./commands/up.ts')).up,
  },
  {
    name: 'create-tables',
    group: 'Work',
    about: 'Create the derived tables that do not exist',
    flags: [tables, all, ...common],
    load: async () => (await import('./commands/create-tables.ts')).createTablesCommand,
  },
  {
    name: 'unlock',
    group: 'Work',
    about: 'Free locks whoever holds them; the holder can write nothing more',
    flags: [tables, all, ...common],
    load: async () => (await import('./commands/unlock.ts')).unlock,
  },
  {
    name: 'demo',
    group: 'Work',
    about: 'Load a sample chain into the embedded server, process it, show the status',
    flags: [
      ...slots,
      { name: 'state', value: '<folder>', about: "Folder of the server's data (default: state)" },
      sql,
      noColor,
    ],
    implied: { network: 'demo', lag: '0', embedded: '' },
    load: async () => (await import('./commands/demo.ts')).demo,
  },
  {
    name: 'status',
    group: 'Look',
    about: 'Show where every table stands',
    flags: [
      tables,
      lag,
      json,
      { name: 'check', about: 'Exit 3 if blocks are missing, 4 if ranges are stale' },
      ...common,
    ],
    load: async () => (await import('./commands/status.ts')).statusCommand,
  },
  {
    name: 'plan',
    group: 'Look',
    about: 'Show what `up` would do',
    flags: [tables, ...limits, json, ...common],
    implied: { 'dry-run': '' },
    load: async () => (await import('./commands/up.ts')).up,
  },
  {
    name: 'list',
    group: 'Look',
    about: 'List the tables and what they are made of; needs no server',
    flags: [sql, noColor],
    load: async () => (await import('./commands/list.ts')).list,
  },
  {
    name: 'info',
    group: 'Look',
    about: 'Show every setting with its origin, the servers and the locks',
    flags: [...limits.filter((flag) => !['from', 'to'].includes(flag.name)), ...common],
    load: async () => (await import('./commands/info.ts')).info,
  },
  {
    name: 'test',
    group: 'SQL',
    about: 'Run the unit tests of the transforms; needs no server',
    flags: [
      { ...tables, bare: true },
      json,
      { name: 'new', value: '<table>', about: 'Write a test from real rows of --from to --to' },
      { name: 'from', value: '<N>', about: 'First block of the new test' },
      { name: 'to', value: '<N>', about: 'Last block of the new test (default: the first)' },
      { name: 'network', value: '<name>', about: 'Network of the new test (default: mainnet)' },
      ...local,
      sql,
      noColor,
    ],
    load: async () => (await import('./commands/test.ts')).test,
  },
  {
    name: 'run',
    group: 'As in the Python scripts',
    about: 'Process the missing blocks of a range',
    flags: [
      tables,
      all,
      { name: 'start-block', value: '<N>', about: 'As --from of `up`' },
      { name: 'end-block', value: '<N>', about: 'As --to of `up`' },
      { name: 'step-size', value: '<N>', about: 'As --chunk of `up`' },
      { name: 'create-tables', about: 'Create the tables first' },
      ...slots,
      lag,
      ...endurance,
      events,
      quiet,
      ...common,
    ],
    load: async () => (await import('./commands/run.ts')).run,
  },
]
