// Owns the entries of the commands that only look.
import type { CommandEntry } from '../command-entry.ts'
import { tables, json, lag, limits, sql, noColor, common } from '../flags.ts'

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
