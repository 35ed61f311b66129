// Owns the entries of the commands that only read.
import type { CommandEntry } from '../../session/command.ts'
import * as flags from '../../terminal/flags.ts'
import { flag } from '../../terminal/flags.ts'
import * as exits from '../exits.ts'
import { REPORT } from './report.ts'
import { SETUP } from './setup.ts'

export const LOOK: readonly CommandEntry[] = [
  {
    name: 'status',
    about: 'Show what each table has, what it lacks, and why',
    usage: '[table…] [flags]',
    flags: [
      ...flags.selection,
      flags.lag,
      flags.json,
      flag(
        'format <text|prometheus>',
        "Output format: `prometheus` is for node_exporter's textfile collector",
        {
          fallback: 'text',
        },
      ),
      flag('at <block>', 'What is known of one block: who built it and when, or what it waits for', {
        example: '17000000',
      }),
      flag('sort <table|done|missing|rows|state>', 'Order of the tables', { fallback: 'inputs first' }),
      flag('watch [seconds]', 'Print it again and again, until Ctrl-C', { fallback: 'every 5 seconds' }),
      flag('check', 'Exit with 8, 3 or 4 if not all is well, and say why in one line'),
      flag('max-behind <blocks>', 'With --check: number of missing blocks that is no failure', {
        example: '300',
        fallback: 'those that arrived in the last hour',
      }),
      flag('max-incomplete-age <duration>', 'With --check: how long blocks may be incomplete', {
        example: '6h',
        fallback: '24h',
      }),
      flag('max-source-age <duration>', 'With --check: how old the newest source rows may be', {
        example: '1h',
        fallback: 'any age',
      }),
      ...flags.common,
    ],
    exits: {
      ...exits.asking,
      3: 'With --check: blocks are missing, dirty, or incomplete for too long',
      4: 'With --check: stale ranges',
      8: 'With --check: absence: unknown rows, an emptied table, sources without rows, a head that went back',
    },
    examples: {
      'Show all tables': 'status',
      'Follow the tables that need most': 'status --sort missing --watch',
      'See who built a block, or what it waits for': 'status --at 17000000',
      'Tell monitoring whether all is well': 'status --check',
      'Write metrics for Prometheus': 'status --format prometheus > backfill.prom',
      'Tolerate 300 missing blocks, and sources of an hour':
        'status --check --max-behind 300 --max-source-age 1h',
    },
    networks: 'one by one',
    load: async () => (await import('../../commands/status/command.ts')).statusCommand,
  },
  {
    name: 'plan',
    about: 'Show what `up` would process now, and what it costs',
    usage: '[table…] [flags]',
    flags: [
      ...flags.selection,
      ...flags.range,
      ...flags.sizing,
      flag('chunks', 'List the chunks'),
      flags.json,
      ...flags.common,
    ],
    exits: exits.asking,
    examples: {
      'See what is left to do, and how long it takes': 'plan',
      'See how a range would be cut': 'plan --chunks --from 1 --to 99999 --chunk-rows 1000000',
    },
    implied: { 'dry-run': '' },
    networks: 'one by one',
    load: async () => (await import('../../commands/up/command.ts')).up,
  },
  {
    name: 'diff',
    about: "Show how a table's SQL changed since it built its ranges",
    usage: '<table> [flags]',
    flags: [
      flags.oneTable,
      flag('from-hash <hash>', 'The older SQL, by the first digits of its hash', {
        example: '1a2b3c4d',
        fallback: 'the SQL of most stale blocks',
      }),
      flag('to-hash <hash>', 'The newer SQL, by the first digits of its hash', {
        example: '5e6f7a8b',
        fallback: 'the file',
      }),
      flags.json,
      ...flags.common,
    ],
    exits: exits.asking,
    examples: {
      'Compare the file with the SQL of the stale ranges': 'diff address_diffs',
      'Compare with an earlier version': 'diff address_diffs --from-hash 1a2b3c4d',
    },
    load: async () => (await import('../../commands/diff/command.ts')).diffCommand,
  },
  {
    name: 'verify',
    about: 'Compute done blocks again and compare them with the table',
    usage: '[table…] [flags]',
    flags: [
      { ...flags.tables, fallback: 'none; all with --sources or --stored' },
      { ...flags.from, fallback: 'the first done block' },
      { ...flags.to, example: '19009999', fallback: 'the last done block' },
      flag('sample <count>', 'Number of chunks of each table, chosen at random', {
        example: '20',
        fallback: 'all',
      }),
      flag('seed <number>', 'Seed of an earlier --sample, for the same chunks', {
        example: '4711',
        fallback: 'random',
      }),
      flags.chunkRows,
      flags.chunk,
      flags.jobs,
      flag('as-built', 'Compute with the SQL and the forks that built each range, in place of the files'),
      flag('sources', 'Only look for blocks whose sources changed since, and mark them as stale'),
      { ...flags.dryRun, about: 'With --sources: mark nothing' },
      flag(
        'stored',
        'Only compare the rows with what the ledger recorded of them: finds rows that were lost',
      ),
      flags.json,
      flags.quiet,
      ...flags.common,
    ],
    exits: {
      ...exits.comparing,
      5: 'With --sources: another run holds the lock, so that ranges were not marked',
      7: 'A difference that nothing explains',
    },
    examples: {
      'Verify twenty chunks of a table': 'verify address_diffs --sample 20',
      'Find blocks whose sources have changed': 'verify --sources',
      'Find rows that were lost, doubled or wrongly restored': 'verify --stored',
    },
    load: async () => (await import('../../commands/verify/command.ts')).verifyCommand,
  },
  {
    name: 'digest',
    about: 'Print sums of the rows, to compare two installations',
    usage: '[table…] [flags]',
    flags: [
      ...flags.selection,
      { ...flags.from, fallback: '0' },
      { ...flags.to, example: '19009999', fallback: 'the last block' },
      flag('every <blocks>', 'Number of blocks in a line', { example: '100000', fallback: '1000' }),
      flags.json,
      ...flags.common,
    ],
    exits: { ...exits.asking, '129, 130, 143': 'Interrupted by SIGHUP, Ctrl-C or SIGTERM' },
    examples: {
      'Compare with another installation': 'digest --every 100000 > here.txt',
      'Print the digests of one table': 'digest address_diffs --from 19000000 --to 19009999',
    },
    load: async () => (await import('../../commands/digest/command.ts')).digestCommand,
  },
  {
    name: 'preview',
    about: "Run a table's SELECT and show its rows; writes nothing",
    usage: '<table> --from <block> [--to <block>] [flags]',
    flags: [
      flags.oneTable,
      flags.from,
      { ...flags.to, example: '19000999' },
      flag('limit <rows>', 'Maximum number of rows', { example: '100', fallback: '20; with --format all' }),
      flag('format <name>', 'Output format of ClickHouse, in place of a table', {
        example: 'CSVWithNames, JSONEachRow',
      }),
      flag('print-sql', 'The statement with its values, to paste into a client; asks no server'),
      flag('explain', 'The query plan, and how much would be read'),
      flags.json,
      ...flags.common,
    ],
    exits: exits.asking,
    examples: {
      'See what a transform computes': 'preview address_diffs --from 19000000',
      'Save rows as CSV': 'preview address_diffs --from 1 --to 99 --format CSV > rows.csv',
      'Print the statement': 'preview address_diffs --from 1 --to 99 --print-sql',
    },
    load: async () => (await import('../../commands/preview/command.ts')).preview,
  },
  {
    name: 'log',
    about: 'Show past runs, or the chunks of one table or run',
    usage: '[table] [flags]',
    flags: [
      { ...flags.oneTable, fallback: 'the latest runs' },
      flag('run <id>', 'Run whose chunks to show, by the first digits of its id', { example: '20087511' }),
      flag('limit <lines>', 'Maximum number of lines', { example: '100', fallback: '20' }),
      flag('errors', 'Only what failed'),
      flags.json,
      ...flags.common,
    ],
    exits: exits.asking,
    examples: {
      'Show the latest runs': 'log',
      'Show what failed in one table': 'log address_diffs --errors',
    },
    load: async () => (await import('../../commands/log/command.ts')).log,
  },
  {
    name: 'list',
    about: 'List the tables, what they read, and their files; asks no server',
    usage: '[flags]',
    flags: [
      flag('orphans', 'Tables that the ledger knows and no SQL folder has; asks the target'),
      flags.json,
      ...flags.common,
    ],
    exits: exits.asking,
    examples: {
      'List the tables of a folder': 'list --sql ./sql',
      'Find tables that nothing fills any more': 'list --orphans',
    },
    load: async () => (await import('../../commands/list/command.ts')).list,
  },
  ...REPORT,
  ...SETUP,
]
