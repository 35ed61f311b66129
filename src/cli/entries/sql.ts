// Owns the entries of the commands for editing the SQL files.
import * as flags from '../../terminal/flags.ts'
import * as exits from '../exits.ts'
import type { DeclaredEntry } from '../../session/session.ts'
import { flag } from '../../terminal/flags.ts'

export const SQL: readonly DeclaredEntry[] = [
  {
    name: 'init',
    about: 'Write the files of a project of your own; what is there stays as it is',
    usage: '[folder] [flags]',
    flags: [
      flag('folder <folder>  Folder of the project (default: the working folder)', { bare: true }),
      flags.json,
      flags.noColor,
    ],
    isLocal: true,
    examples: { 'Start a project': 'init tables' },
    load: async () => (await import('../../commands/init/command.ts')).init,
  },
  {
    name: 'check',
    about: 'Find errors in the SQL files, and misfits with the servers',
    flags: [
      ...flags.selection,
      'offline  Check the files alone, without a server',
      'split <table>  Table of which --from to --to is computed in pieces, too: the rows must be the same',
      'from <block>  First block of --split, fork or UTC time, e.g. 19000000, dencun',
      'to <block>  Last block of --split, above the first, e.g. 19000999',
      'fix  Write into the transforms the casts of columns that do not fit into their tables',
      'format <text|github|sarif>  Form of the findings: annotations of GitHub, or SARIF 2.1.0 (default: text)',
      flags.json,
    ],
    exits: { ...exits.asking, 0: 'No errors', 2: 'Errors in the files, a flag or the configuration' },
    exclusive: ['offline embedded', 'offline fix', 'offline split', 'split tables', 'split exclude'],
    only: { from: 'split', to: 'split' },
    examples: {
      'Check the files, then ask the servers': 'check',
      'Check one table in CI': 'check address_diffs --offline',
      'Find rows that depend on how ranges are cut':
        'check --split address_diffs --from 19000000 --to 19000999',
    },
    load: async () => (await import('../../commands/check/command.ts')).check,
  },
  {
    name: 'test',
    about: 'Run the unit tests of the transforms; needs no server',
    flags: [
      ...flags.selection,
      'format <text|junit>  Form of the results: text, or JUnit XML (default: text)',
      flags.json,
      'new <table>  Table for which to write a test from real rows of --from to --to, e.g. address_diffs',
      'from <block>  First block of the new test, e.g. 19000000',
      'to <block>  Last block of the new test, e.g. 19000009 (default: the first block)',
      'network <name>  Network of the new test, e.g. sepolia (default: mainnet; env: BACKFILL_NETWORK)',
      ...flags.local,
      flags.sql,
      flags.noColor,
    ],
    isLocal: true,
    exits: exits.testing,
    only: { from: 'new', to: 'new', network: 'new' },
    examples: {
      'Run the tests of one table': 'test address_diffs',
      'Write a test from real rows': 'test --new address_diffs --from 19000000 --to 19000009',
    },
    load: async () => (await import('../../commands/test/command.ts')).test,
  },
  {
    name: 'try',
    about: 'Show what an edit changes, also in the tables that read it',
    flags: [
      flag('tables <a,b>  Edited tables, e.g. address_diffs,address_reads (default: --changed)', {
        bare: true,
      }),
      'changed  The tables whose SQL differs from that of their stored rows, or that have other columns than their DDL',
      'sample <ranges>  Number of ranges, of up to 1,000 blocks each, that are computed (default: 20)',
      'from <block>  First block or fork, in place of a sample, e.g. 19000000, dencun',
      flags.to,
      'format <text|markdown>  Form of the answer; Markdown is for a pull request (default: text)',
      flags.lag,
      flags.json,
    ],
    exclusive: ['changed tables'],
    examples: {
      'See what your edits do': 'try',
      'For the comment in a pull request': 'try --changed --sample 20 --format markdown',
    },
    load: async () => (await import('../../commands/try/command.ts')).tryCommand,
  },
  {
    name: 'new',
    about: 'Write the files of a new table: DDL, transform, unit test',
    usage: '<table> [flags]',
    flags: [
      flag('table <key>  Key of the new table, e.g. gas_per_block', { bare: true }),
      'sources <source,…>  Source tables that it reads, e.g. transaction,traces (default: transaction)',
      'after <a,b>  Derived tables that it reads, e.g. address_diffs',
      flags.json,
      flags.sql,
      flags.noColor,
    ],
    isLocal: true,
    examples: {
      'A table of two sources': 'new calls_per_block --sources transaction,traces',
    },
    load: async () => (await import('../../commands/new/command.ts')).newTable,
  },
]
