// Owns the entries of the commands that only read.
import * as flags from '../../terminal/flags.ts'
import * as exits from '../exits.ts'
import type { DeclaredEntry } from '../../session/session.ts'
import { flag } from '../../terminal/flags.ts'
import { REPORT, SETUP } from './setup.ts'

export const LOOK: readonly DeclaredEntry[] = [
  {
    name: 'status',
    about: 'Show what each table has, what it lacks, and why',
    flags: [
      ...flags.selection,
      flags.lag,
      flags.json,
      "format <text|prometheus>  Output format: `prometheus` is for node_exporter's textfile collector (default: text)",
      'at <block>  What is known of one block: who built it and when, or what it waits for, e.g. 17000000',
      'sort <table|done|missing|rows|state>  Order of the tables (default: inputs first)',
      'watch [seconds]  Print it again and again, until Ctrl-C (default: every 5 seconds)',
      'check  Exit with 8, 3 or 4 if not all is well, and say why in one line',
      'max-behind <blocks>  With --check: number of missing blocks that is no failure, e.g. 300 (default: those that arrived in the last hour)',
      'max-incomplete-age <duration>  With --check: how long blocks may be incomplete, e.g. 6h (default: 24h)',
      'max-lost <blocks>  With --check: number of stale blocks that is no failure because what the table reads no longer has them, e.g. 5000 (default: 0)',
      'max-source-age <duration>  With --check: how old the newest source rows may be, e.g. 1h (default: any age)',
    ],
    exits: {
      ...exits.asking,
      3: 'With --check: blocks are missing, dirty, or incomplete for too long',
      4: 'With --check: stale ranges',
      8: 'With --check: absence: unknown rows, an emptied table, sources without rows, a head that went back',
    },
    exclusive: ['format=prometheus at watch check', 'format=prometheus json'],
    only: {
      'max-behind': 'check',
      'max-incomplete-age': 'check',
      'max-lost': 'check',
      'max-source-age': 'check',
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
    together: 'format=prometheus',
    load: async () => (await import('../../commands/status/command.ts')).statusCommand,
  },
  {
    name: 'plan',
    about: 'Show what `up` would process now, and what it costs',
    flags: [...flags.selection, ...flags.range, ...flags.sizing, 'chunks  List the chunks', flags.json],
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
    flags: [flags.oneTable, flags.json],
    examples: {
      'Compare the file with the SQL of the stale ranges': 'diff address_diffs',
    },
    load: async () => (await import('../../commands/diff/command.ts')).diffCommand,
  },
  {
    name: 'verify',
    about: 'Compute done blocks again and compare them with the table',
    flags: [
      flag(
        'tables <a,b>  Tables to work on, e.g. address_diffs,address_reads (default: none; all with --sources or --stored)',
        { bare: true },
      ),
      'from <block>  First block, fork or UTC time, e.g. 19000000, dencun (default: the first done block)',
      'to <block>  Last block, e.g. 19009999 (default: the last done block)',
      'sample <count>  Number of chunks of each table, chosen at random, e.g. 20 (default: all)',
      'seed <number>  Seed of an earlier --sample, for the same chunks, e.g. 4711 (default: random)',
      flags.chunkRows,
      flags.chunk,
      flags.jobs,
      'as-built  Compute with the SQL and the forks that built each range, in place of the files',
      'sources  Only look for blocks whose sources changed since, and mark them as stale',
      'dry-run  With --sources: mark nothing',
      'stored  Only compare the rows with what the ledger recorded of them: finds rows that were lost',
      flags.json,
      flags.quiet,
    ],
    exits: {
      ...exits.comparing,
      5: 'With --sources: another run holds the lock, so that ranges were not marked',
      7: 'A difference that nothing explains',
    },
    exclusive: 'from to sample seed chunk chunk-rows jobs as-built'
      .split(' ')
      .map((name) => `${name} sources stored`),
    only: { seed: 'sample 20' },
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
    flags: [
      ...flags.selection,
      'from <block>  First block, fork or UTC time, e.g. 19000000, dencun (default: 0)',
      'to <block>  Last block, e.g. 19009999 (default: the last block)',
      'every <blocks>  Number of blocks in a line, or a time, e.g. 100000, 1h (default: 1000)',
      flags.json,
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
      'to <block>  Last block, e.g. 19000999 (default: the first block)',
      'limit <rows>  Maximum number of rows, e.g. 100 (default: 20; with --format all)',
      'format <name>  Output format of ClickHouse, in place of a table, e.g. CSVWithNames, JSONEachRow',
      'print-sql  The statement with its values, to paste into a client; asks no server',
      flags.json,
    ],
    exclusive: ['print-sql format json', 'print-sql limit'],
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
      flag('tables <a,b>  Key of the table (default: the latest runs)', { bare: true }),
      'run <id>  Run whose chunks to show, by the first digits of its id, e.g. 20087511',
      'limit <lines>  Maximum number of lines, e.g. 100 (default: 20)',
      'errors  Only what failed',
      flags.json,
    ],
    examples: {
      'Show the latest runs': 'log',
      'Show what failed in one table': 'log address_diffs --errors',
    },
    load: async () => (await import('../../commands/log/command.ts')).log,
  },
  {
    name: 'list',
    about: 'List the tables, what they read, and their files; asks no server',
    flags: [
      ...flags.selection,
      'format <text|tree|mermaid|dot>  Form: text, or what reads what as a tree, a Mermaid flowchart or a graph for Graphviz (default: text)',
      'orphans  Tables that the ledger knows and no SQL folder has; asks the target',
      flags.json,
    ],
    examples: {
      'List the tables of a folder': 'list --sql ./sql',
      'Show what a table reads, down to the sources': 'list +accounts_alive --format tree',
      'Draw sources and tables': 'list --format dot > tables.dot',
      'Find tables that nothing fills any more': 'list --orphans',
    },
    exclusive: ['tree', 'mermaid', 'dot'].flatMap((form) => [
      `format=${form} json`,
      `format=${form} orphans`,
    ]),
    load: async () => (await import('../../commands/list/command.ts')).list,
  },
  ...REPORT,
  ...SETUP,
]
