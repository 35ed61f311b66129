// Owns the entries of the commands that record what a person says about blocks.
import type { CommandEntry } from '../../session/command.ts'
import * as flags from '../../terminal/flags.ts'
import { flag } from '../../terminal/flags.ts'
import * as exits from '../exits.ts'

export const DECLARE: readonly CommandEntry[] = [
  {
    name: 'accept',
    about: 'Mark source gaps and incomplete blocks as expected: done',
    usage: '[table…] --from <block> [--to <block>] [flags]',
    flags: [
      ...flags.selection,
      flags.from,
      { ...flags.to, example: '11500' },
      flag('revoke', 'Undo: the accepted blocks of the range are missing again'),
      flags.dryRun,
      flags.yes,
      flags.lag,
      flags.json,
      ...flags.common,
    ],
    exits: { ...exits.locking, 1: 'The question was not answered with yes, or the blocks changed meanwhile' },
    examples: {
      'Accept a source gap in all tables': 'accept --from 9001 --to 11500',
      'Undo it, after rows have arrived': 'accept --revoke --from 9001 --to 11500',
    },
    load: async () => (await import('../../commands/accept/command.ts')).accept,
  },
  {
    name: 'adopt',
    about: 'Record existing rows as done, after comparing a sample',
    usage: '<table> [flags]',
    flags: [
      flags.oneTable,
      { ...flags.from, fallback: 'the first block with a row' },
      { ...flags.to, example: '19000999', fallback: 'the last block with a row' },
      flag('sample <count>', 'Number of chunks to compute again, chosen at random', {
        example: '100',
        fallback: '20',
      }),
      flag('seed <number>', 'Seed of an earlier sample, for the same chunks', { example: '4711' }),
      flag(
        'from-uuid <uuid>',
        'Earlier UUID of the table, before a restore: take over what the ledger knows of it',
        {
          example: '6e737b1f-f332-488f-98b2-77c812f732dd',
        },
      ),
      flags.chunkRows,
      flags.chunk,
      flags.jobs,
      flags.lag,
      flags.dryRun,
      flags.json,
      flags.quiet,
      ...flags.common,
    ],
    exits: {
      ...exits.locking,
      7: 'The rows differ from what is computed now: nothing was recorded',
      '129, 130, 143': 'Interrupted by SIGHUP, Ctrl-C or SIGTERM',
    },
    examples: {
      'Adopt the rows of a restored or copied table': 'adopt address_diffs',
      'Compare more before': 'adopt address_diffs --sample 100',
    },
    load: async () => (await import('../../commands/adopt/command.ts')).adoptCommand,
  },
]
