// Owns the entries of the commands that only look.
import type { CommandEntry } from '../command-entry.ts'
import { tables, json, quiet, lag, limits, server, local, sql, noColor, common } from '../flags.ts'

export const LOOK: readonly CommandEntry[] = [
  {
    name: 'status',
    about: 'Show where every table stands',
    flags: [
      tables,
      lag,
      json,
      { name: 'check', about: 'Exit 3 if blocks are missing, 4 if ranges are stale' },
      ...common,
    ],
    load: async () => (await import('../commands/status.ts')).statusCommand,
  },
  {
    name: 'plan',
    about: 'Show what `up` would do',
    flags: [tables, ...limits, json, ...common],
    implied: { 'dry-run': '' },
    load: async () => (await import('../commands/up.ts')).up,
  },
  {
    name: 'verify',
    about: 'Compute done blocks again and compare; --sources: find blocks whose sources have changed',
    flags: [
      { ...tables, about: 'The tables; with --sources, all by default', bare: true },
      { name: 'from', value: '<N>', about: 'Only done blocks from N on' },
      { name: 'to', value: '<N>', about: 'Only done blocks up to N' },
      { name: 'sample', value: '<N>', about: 'Only N chunks of each table, chosen by chance' },
      { name: 'seed', value: '<N>', about: 'The same sample again' },
      { name: 'chunk-rows', value: '<N>', about: 'Source rows per chunk, about (default: 5 million)' },
      { name: 'chunk', value: '<N>', about: 'Blocks per chunk, whatever they weigh' },
      { name: 'jobs', value: '<N>', about: "Statements at once (default: by the server's cores)" },
      { name: 'sources', about: 'Find done blocks whose sources have changed since, and mark them as stale' },
      { name: 'dry-run', about: 'With --sources: mark nothing' },
      json,
      quiet,
      ...common,
    ],
    load: async () => (await import('../commands/verify.ts')).verifyCommand,
  },
  {
    name: 'preview',
    about: "Run a transform's SELECT and show its rows; writes nothing",
    flags: [
      { name: 'table', value: '<table>', about: 'The table; the word alone will do', bare: true },
      { name: 'from', value: '<N>', about: 'First block' },
      { name: 'to', value: '<N>', about: 'Last block (default: the first)' },
      { name: 'limit', value: '<N>', about: 'The most rows (default: 20; with --format all)' },
      {
        name: 'format',
        value: '<name>',
        about: 'A format of ClickHouse instead of a table: CSV, JSONEachRow',
      },
      { name: 'sql', as: 'statement', about: 'Print the statement with its values in it; needs no server' },
      { name: 'explain', about: 'Show the plan and how much would be read' },
      ...server,
      ...local,
      { ...sql, name: 'sql-folder', as: 'sql' },
      noColor,
    ],
    load: async () => (await import('../commands/preview.ts')).preview,
  },
  {
    name: 'log',
    about: 'Show what ran: the latest runs, or the chunks of a table or a run',
    flags: [
      { name: 'table', value: '<table>', about: 'The table; the word alone will do', bare: true },
      { name: 'run', value: '<id>', about: 'The chunks of one run; its first letters will do' },
      { name: 'limit', value: '<N>', about: 'The most lines (default: 20)' },
      { name: 'errors', about: 'Only what failed' },
      json,
      ...common,
    ],
    load: async () => (await import('../commands/log.ts')).log,
  },
  {
    name: 'list',
    about: 'List the tables and what they are made of; needs no server',
    flags: [sql, noColor],
    load: async () => (await import('../commands/list.ts')).list,
  },
  {
    name: 'info',
    about: 'Show every setting with its origin, the servers and the locks',
    flags: [...limits.filter((flag) => !['from', 'to'].includes(flag.name)), ...common],
    load: async () => (await import('../commands/info.ts')).info,
  },
]
