// Owns the entries of the commands that steer runs that are going, and wait for them.
import type { CommandEntry } from '../../session/command.ts'
import * as flags from '../../terminal/flags.ts'
import { flag } from '../../terminal/flags.ts'
import * as exits from '../exits.ts'

const until = flag('until <time>', 'When it ends by itself: a time of day here, or a time from now', {
  example: '18:00, 90m',
  fallback: 'only by `resume`',
})
const jobs = {
  ...flags.jobs,
  about: 'Number of statements at the same time: of each table named, else over all',
}

function steering(
  name: 'pause' | 'limit' | 'resume',
  about: string,
  more: CommandEntry['flags'],
  examples: CommandEntry['examples'],
): CommandEntry {
  return {
    name,
    about,
    usage: '[table…] [flags]',
    flags: [...flags.selection, ...more, flags.json, ...flags.common],
    exits: exits.asking,
    examples,
    load: async () => (await import('../../commands/steer/command.ts')).steer(name),
  }
}

export const STEER: readonly CommandEntry[] = [
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
      { ...flags.to, fallback: 'none', example: '20000000' },
      flag('timeout <duration>', 'How long to wait; 0 looks once', { example: '2h, 0', fallback: '30m' }),
      flags.lag,
      flags.json,
      flags.quiet,
      ...flags.common,
    ],
    exits: { ...exits.asking, 0: 'The tables are ready', 3: 'They are not: a line for each says why' },
    examples: {
      'Start the next job when a table is ready': 'wait accounts_alive --to 20000000 && ./next-job',
    },
    load: async () => (await import('../../commands/wait/command.ts')).wait,
  },
]
