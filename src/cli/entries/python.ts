// Owns the entries of the commands of the Python scripts that came before.
import type { CommandEntry } from '../../session/command.ts'
import { tables, events, all, quiet, slots, lag, endurance, common } from '../../terminal/flags.ts'

export const PYTHON: readonly CommandEntry[] = [
  {
    name: 'run',
    about: 'Process the missing blocks of a range',
    flags: [
      tables,
      all,
      { name: 'start-block', value: '<N>', about: 'As --from of `up`' },
      { name: 'end-block', value: '<N>', about: 'As --to of `up`' },
      { name: 'step-size', value: '<N>', about: 'As --chunk of `up`' },
      { name: 'create-tables', about: 'Create the tables first' },
      ...slots,
      lag,
      ...endurance,
      events,
      quiet,
      ...common,
    ],
    load: async () => (await import('../../commands/up/run-command.ts')).run,
  },
]
