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
