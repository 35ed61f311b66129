// Owns the entries of the commands that only look.
import type { CommandEntry } from '../command-entry.ts'
import { tables, json, lag, limits, server, local, sql, noColor, common } from '../flags.ts'

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
    name: 'diff',
    about: 'Show what changed in the SQL since it built the stale ranges of a table',
    flags: [
      { ...tables, about: 'The table', bare: true },
      { name: 'from-hash', value: '<hash>', about: 'The older SQL (default: that of most stale blocks)' },
      { name: 'to-hash', value: '<hash>', about: 'The newer SQL (default: the file)' },
      json,
      ...common,
    ],
    load: async () => (await import('../commands/diff.ts')).diffCommand,
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
  {
    name: 'completion',
    about: 'Print the script that makes Tab complete the words of this program in a shell',
    flags: [{ name: 'shell', value: '<bash|zsh|fish>', about: 'Whose script', bare: true }, noColor],
    load: async () => (await import('../commands/completion.ts')).completion,
  },
]
