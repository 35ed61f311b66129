// Owns the entries of the commands that steer runs, wait for them, and record what a person says about blocks.
import * as flags from '../../terminal/flags.ts'
import * as exits from '../exits.ts'
import type { DeclaredEntry } from '../../session/session.ts'

const until =
  'until <time>  When it ends by itself: a time of day here, or a time from now, e.g. 18:00, 90m (default: only by `resume`)'
const jobs =
  'jobs <count>  Number of statements at the same time: of each table named, else over all, e.g. 4 (default: half of the idle cores of the server, 2 to 8; env: BACKFILL_JOBS)'

function steering(
  name: 'pause' | 'limit' | 'resume',
  about: string,
  more: DeclaredEntry['flags'],
  examples: DeclaredEntry['examples'],
): DeclaredEntry {
  return {
    name,
    about,
    flags: [...flags.selection, ...more, flags.json],
    examples,
    load: async () => (await import('../../commands/steer/command.ts')).steer(name),
  }
}

export const STEER: readonly DeclaredEntry[] = [
  steering('pause', 'Let running chunks end and start no more, in every run', [until], {
    'Pause every run until six': 'pause --until 18:00',
    'Work on one table only': 'pause --exclude accounts_alive',
  }),
  steering('limit', 'Limit the statements at the same time, in every run', [jobs, until], {
    'Go slower': 'limit --jobs 1',
    'One table slower, for two hours': 'limit address_diffs --jobs 1 --until 2h',
  }),
  steering('resume', 'End pauses and limits', [], {
    'Go on with everything': 'resume',
    'Go on with one table': 'resume address_diffs',
  }),
  {
    name: 'wait',
    about: 'Wait until tables are complete and not stale up to a block',
    usage: '[table…] --to <block> [flags]',
    flags: [
      ...flags.selection,
      'to <block>  Last block, e.g. 20000000 (default: none)',
      'timeout <duration>  How long to wait; 0 looks once, e.g. 2h, 0 (default: 30m)',
      flags.lag,
      flags.json,
      flags.quiet,
    ],
    exits: { ...exits.asking, 0: 'The tables are ready', 3: 'They are not: a line for each says why' },
    examples: {
      'Start the next job when a table is ready': 'wait accounts_alive --to 20000000 && ./next-job',
    },
    load: async () => (await import('../../commands/wait/command.ts')).wait,
  },
]

export const DECLARE: readonly DeclaredEntry[] = [
  {
    name: 'accept',
    about: 'Mark source gaps and incomplete blocks as expected: done',
    usage: '[table…] --from <block> [--to <block>] [flags]',
    flags: [
      ...flags.selection,
      flags.from,
      'to <block>  Last block, e.g. 11500 (default: the first block)',
      'revoke  Undo: the accepted blocks of the range are missing again',
      flags.dryRun,
      flags.yes,
      flags.lag,
      flags.json,
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
      'from <block>  First block, fork or UTC time, e.g. 19000000, dencun (default: the first block with a row)',
      'to <block>  Last block, e.g. 19000999 (default: the last block with a row)',
      'sample <count>  Number of chunks to compute again, chosen at random, e.g. 100 (default: 20)',
      'seed <number>  Seed of an earlier sample, for the same chunks, e.g. 4711',
      'from-uuid <uuid>  Earlier UUID of the table, before a restore: take over what the ledger knows of it, e.g. 6e737b1f-f332-488f-98b2-77c812f732dd',
      flags.chunkRows,
      flags.chunk,
      flags.jobs,
      flags.lag,
      flags.dryRun,
      flags.json,
      flags.quiet,
    ],
    exits: {
      ...exits.locking,
      7: 'The rows differ from what is computed now: nothing was recorded',
      '129, 130, 143': 'Interrupted by SIGHUP, Ctrl-C or SIGTERM',
    },
    exclusive: ['from-uuid from', 'from-uuid to'],
    examples: {
      'Adopt the rows of a restored or copied table': 'adopt address_diffs',
      'Compare more before': 'adopt address_diffs --sample 100',
    },
    load: async () => (await import('../../commands/adopt/command.ts')).adoptCommand,
  },
]
