// Owns the entries of the commands for those who edit the SQL files.
import type { CommandEntry } from '../command-entry.ts'
import { tables, json, local, sql, noColor, common } from '../flags.ts'

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
    load: async () => (await import('../commands/check.ts')).check,
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
    load: async () => (await import('../commands/test.ts')).test,
  },
]
