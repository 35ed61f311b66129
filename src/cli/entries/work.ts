// Owns the entries of the commands that write.
import * as flags from '../../terminal/flags.ts'
import * as exits from '../exits.ts'
import type { DeclaredEntry } from '../../session/session.ts'
import { DECLARE, STEER } from './steer.ts'
import { flag } from '../../terminal/flags.ts'

export const WORK: readonly DeclaredEntry[] = [
  {
    name: 'up',
    about: 'Create missing tables and process every missing block',
    flags: [
      ...flags.selection,
      ...flags.range,
      ...flags.building,
      ...flags.endurance,
      'recompute <a,b>  Tables with unknown rows: delete those that can be computed again, and do so, e.g. address_diffs',
      'redo-stale  Stale ranges as well, where rows can be deleted by range',
      'new-source  The source database has another name than before, and the same rows',
      flags.dryRun,
      ...flags.printing,
      ...flags.considerate,
    ],
    exits: exits.running,
    exclusive: ['redo-stale from', 'redo-stale to'],
    examples: {
      'Process everything that is missing': 'up',
      'Process one range of two tables': 'up --tables address_diffs,address_reads --from 1 --to 9999',
      'Run from cron, for at most 55 minutes': 'up --quiet --lock-skip --max-runtime 55m',
    },
    networks: 'one by one',
    load: async () => (await import('../../commands/up/command.ts')).up,
  },
  {
    name: 'redo',
    about: 'Delete ranges of a table and build them again',
    usage: '[table] (--from … --to … | --stale) [flags]',
    flags: [
      flags.oneTable,
      flags.from,
      'to <block>  Last block, e.g. 19000999 (default: none: both ends are needed)',
      'stale  All ranges that would be computed differently now; without a table those of all tables, with rebuilds where they are needed',
      'cascade  Tables that read these blocks as well',
      flags.dryRun,
      flags.yes,
      ...flags.building,
      ...flags.limits,
      flags.maxRuntime,
      flags.lockWait,
      ...flags.printing,
      ...flags.considerate,
    ],
    exits: { ...exits.running, 1: 'A table failed, or the question was not answered with yes' },
    exclusive: ['stale from', 'stale to'],
    examples: {
      'See what a redo would delete': 'redo address_diffs --from 15000 --to 15999 --dry-run',
      'Build again what the old SQL has built': 'redo address_diffs --stale',
      'Apply every change to all tables, in their order': 'redo --stale',
    },
    load: async () => (await import('../../commands/redo/command.ts')).redoCommand,
  },
  {
    name: 'rebuild',
    about: 'Build a table again beside the old one, then exchange the two',
    usage: '<table> [flags]',
    flags: [
      flags.oneTable,
      'drop-old  Drop the old table at the end, in place of keeping it. If an earlier rebuild kept one, drop it and do no more',
      'yes  No question before the old table is dropped; needed outside a terminal',
      flags.dryRun,
      'sample <count>  Number of chunks of the new table to verify before the exchange, e.g. 100 (default: 10)',
      ...flags.building,
      ...flags.limits,
      flags.lockWait,
      ...flags.printing,
      ...flags.considerate,
    ],
    exits: {
      ...exits.running,
      0: 'The new table is in place, or the old one was dropped',
      1: 'The new table is not complete, or the question was not answered with yes',
      7: 'What was built differs from what is computed now: the tables were not exchanged',
    },
    examples: {
      'Build the table again and keep the old one': 'rebuild accounts_alive',
      'Drop the old table of that rebuild': 'rebuild accounts_alive --drop-old',
    },
    load: async () => (await import('../../commands/rebuild/command.ts')).rebuildCommand,
  },
  {
    name: 'create-tables',
    about: 'Create the derived tables that do not exist',
    usage: '(<table…> | --all) [flags]',
    flags: [...flags.choice, flags.json],
    examples: {
      'Create all tables': 'create-tables --all',
      'Create one, and the tables that it reads': 'create-tables --tables accounts_alive',
    },
    needsChoice: true,
    load: async () => (await import('../../commands/create-tables/command.ts')).createTablesCommand,
  },
  ...STEER,
  ...DECLARE,
  {
    name: 'unlock',
    about: 'Free the locks of tables; their holder can write no more',
    usage: '(<table…> | --all) [flags]',
    flags: [
      ...flags.choice,
      flags.json,
      'yes  No question if the holder is alive; needed outside a terminal then',
    ],
    examples: { 'Free the lock of one table': 'unlock --tables address_diffs' },
    needsChoice: true,
    load: async () => (await import('../../commands/unlock/command.ts')).unlock,
  },
  {
    name: 'import',
    about: "Fetch Xatu's public Parquet files into the source tables",
    usage: '--from <block> [--to <block>] [flags]',
    flags: [
      'tables <source,…>  Source tables to fill, e.g. traces,contracts (default: all)',
      'from <block>  First block; files of 1,000 blocks are imported whole, e.g. 19000000',
      'to <block>  Last block, e.g. 19009999 (default: the first block)',
      flag(
        "base-url <url>  Where the files are, e.g. https://mirror.example/xatu (default: Xatu's; env: BACKFILL_IMPORT_URL)",
        { as: 'import-url' },
      ),
      flag(
        'folder <folder>  Folder of this machine that holds the files, in place of --base-url, e.g. ./xatu (env: BACKFILL_IMPORT_FOLDER)',
        { as: 'import-folder' },
      ),
      'changed  Also files that changed, or whose SQL changed, since their import',
      flags.dryRun,
      'stall <duration>  How long a download may receive nothing before it is retried, e.g. 2m (default: 30s)',
      ...flags.slots,
      flags.order,
      ...flags.endurance,
      ...flags.printing,
    ],
    exits: {
      ...exits.running,
      6: 'ClickHouse or the files are unreachable, or ClickHouse refuses the login',
    },
    examples: {
      'See which files there are': 'import --from 19000000 --to 19009999 --dry-run',
      'Fill two source tables': 'import --tables traces,contracts --from 19000000 --to 19009999',
    },
    load: async () => (await import('../../commands/import/command.ts')).importCommand,
  },
  {
    name: 'demo',
    about: 'Process a sample chain on the embedded server',
    usage: '[flags]',
    flags: [...flags.slots, ...flags.printing, ...flags.local.slice(1), flags.sql, flags.noColor],
    isLocal: true,
    exits: exits.running,
    examples: { 'Load the chain, process it, show the status': 'demo' },
    implied: { network: 'demo', lag: '0', embedded: '' },
    load: async () => (await import('../../commands/demo/command.ts')).demo,
  },
]

/** The verb of the Python scripts: `up` under their flag names. */
export const PYTHON: readonly DeclaredEntry[] = [
  {
    name: 'run',
    about: 'The same as `up`, with the flags of the Python scripts',
    usage: '(<table…> | --all) [flags]',
    flags: [
      ...flags.choice,
      flag('start-block <block>  --from of `up`, e.g. 19000000', { as: 'from' }),
      flag('end-block <block>  --to of `up`, e.g. 19000999', { as: 'to' }),
      flag('step-size <blocks>  --chunk of `up`, e.g. 1000', { as: 'chunk' }),
      'create-tables  Nothing more: missing tables are always created',
      ...flags.slots,
      flags.lag,
      ...flags.endurance,
      ...flags.printing,
      ...flags.considerate,
    ],
    exits: exits.running,
    examples: {
      'Process one range of all tables': 'run --all --start-block 19000000 --end-block 19000999',
    },
    needsChoice: true,
    load: async () => (await import('../../commands/up/command.ts')).up,
  },
]
