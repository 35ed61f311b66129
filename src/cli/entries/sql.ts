// Owns the entries of the commands for those who edit the SQL files.
import type { CommandEntry } from '../../session/command.ts'
import { tables, json, local, sql, noColor, common } from '../../terminal/flags.ts'

export const SQL: readonly CommandEntry[] = [
  {
    name: 'check',
    about: 'Find what is wrong in the SQL files, and where they do not fit the servers; writes nothing',
    flags: [
      { ...tables, bare: true },
      { name: 'offline', about: 'Look at the files alone, ask no server' },
      json,
      ...common,
    ],
    load: async () => (await import('../../commands/check/command.ts')).check,
  },
  {
    name: 'test',
    about: 'Run the unit tests of the transforms; needs no server',
    flags: [
      { ...tables, bare: true },
      json,
      { name: 'new', value: '<table>', about: 'Write a test from real rows of --from to --to' },
      { name: 'from', value: '<N>', about: 'First block of the new test' },
      { name: 'to', value: '<N>', about: 'Last block of the new test (default: the first)' },
      { name: 'network', value: '<name>', about: 'Network of the new test (default: mainnet)' },
      ...local,
      sql,
      noColor,
    ],
    load: async () => (await import('../../commands/test/command.ts')).test,
  },
  {
    name: 'new',
    about: 'Write the files of a new table: DDL, transform and unit test',
    flags: [
      { name: 'table', value: '<key>', about: 'Key of the new table, such as gas_per_block', bare: true },
      { name: 'sources', value: '<a,b>', about: 'Source tables that it reads (default: transaction)' },
      { name: 'after', value: '<a,b>', about: 'Derived tables that it reads' },
      {
        name: 'rows',
        value: '<kind>',
        about: 'per-block (default), or per-key: the latest row of an address',
      },
      sql,
      noColor,
    ],
    load: async () => (await import('../../commands/new/command.ts')).newTable,
  },
]
