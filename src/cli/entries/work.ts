// Owns the entries of the commands that write.
import type { CommandEntry } from '../command-entry.ts'
import { tables, events, all, quiet, slots, limits, endurance, sql, noColor, common, yes } from '../flags.ts'

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
    name: 'redo',
    about: 'Delete ranges of a table and build them again',
    flags: [
      { ...tables, about: 'The table', bare: true },
      { name: 'from', value: '<N>', about: 'First block of the range' },
      { name: 'to', value: '<N>', about: 'Last block of the range' },
      { name: 'stale', about: 'All that other SQL, or other source rows, have built' },
      { name: 'dirty', about: 'All that a dead run may have left half written' },
      { name: 'cascade', about: 'Build tables that read these blocks again, too' },
      { name: 'dry-run', about: 'Show what would be deleted, write nothing' },
      yes,
      ...limits.filter((flag) => !['from', 'to'].includes(flag.name)),
      ...endurance.filter(({ name }) => name !== 'lock-skip'),
      events,
      quiet,
      ...common,
    ],
    load: async () => (await import('../commands/redo.ts')).redoCommand,
  },
  {
    name: 'create-tables',
    about: 'Create the derived tables that do not exist',
    flags: [tables, all, ...common],
    load: async () => (await import('../commands/create-tables.ts')).createTablesCommand,
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
