// Owns the entries of the commands that write.
import type { CommandEntry } from '../command-entry.ts'
import {
  tables,
  events,
  all,
  quiet,
  slots,
  limits,
  endurance,
  sql,
  noColor,
  common,
  lag,
  yes,
} from '../flags.ts'

export const WORK: readonly CommandEntry[] = [
  {
    name: 'up',
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
    load: async () => (await import('../commands/up.ts')).up,
  },
  {
    name: 'rebuild',
    about: 'Build a table anew beside the old one, check it, exchange the two',
    flags: [
      { ...tables, about: 'The table', bare: true },
      { name: 'keep', about: 'Keep the old table beside the new one (default)' },
      {
        name: 'drop-old',
        about: 'Drop the old table at the end; one that is kept already: drop it, do nothing else',
      },
      { name: 'yes', about: 'Drop without being asked' },
      { name: 'dry-run', about: 'Show what would be done, write nothing' },
      {
        name: 'sample',
        value: '<N>',
        about: 'Chunks of the new table to compute again before the exchange (default: 10)',
      },
      ...limits.filter(({ name }) => !['from', 'to'].includes(name)),
      ...endurance.filter(({ name }) => ['give-up', 'grace', 'lock-wait'].includes(name)),
      events,
      quiet,
      ...common,
    ],
    load: async () => (await import('../commands/rebuild.ts')).rebuildCommand,
  },
  {
    name: 'create-tables',
    about: 'Create the derived tables that do not exist',
    flags: [tables, all, ...common],
    load: async () => (await import('../commands/create-tables.ts')).createTablesCommand,
  },
  {
    name: 'accept',
    about: 'Declare holes and held blocks to be as they should be',
    flags: [
      { ...tables, bare: true },
      { name: 'from', value: '<N>', about: 'First block' },
      { name: 'to', value: '<N>', about: 'Last block (default: the first)' },
      { name: 'revoke', about: 'Take it back: the blocks are missing again' },
      { name: 'dry-run', about: 'Show the blocks, write nothing' },
      yes,
      lag,
      ...common,
    ],
    load: async () => (await import('../commands/accept.ts')).accept,
  },
  {
    name: 'unlock',
    about: 'Free locks whoever holds them; the holder can write nothing more',
    flags: [tables, all, ...common],
    load: async () => (await import('../commands/unlock.ts')).unlock,
  },
  {
    name: 'demo',
    about: 'Load a sample chain into the embedded server, process it, show the status',
    flags: [
      ...slots,
      { name: 'state', value: '<folder>', about: "Folder of the server's data (default: state)" },
      sql,
      noColor,
    ],
    implied: { network: 'demo', lag: '0', embedded: '' },
    load: async () => (await import('../commands/demo.ts')).demo,
  },
]
