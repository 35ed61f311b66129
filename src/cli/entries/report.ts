// Owns the entries of the commands that show the tables in a browser.
import type { CommandEntry } from '../../session/command.ts'
import * as flags from '../../terminal/flags.ts'
import { flag } from '../../terminal/flags.ts'
import * as exits from '../exits.ts'

export const REPORT: readonly CommandEntry[] = [
  {
    name: 'report',
    about: 'Write one page about tables, runs and SQL, for a browser',
    usage: '[table…] [flags]',
    flags: [
      ...flags.selection,
      flag('output <file>', 'File to write; `-` is stdout', {
        example: '/var/www/backfill.html',
        fallback: 'report.html',
      }),
      flags.lag,
      flags.json,
      flags.quiet,
      ...flags.common,
    ],
    exits: exits.asking,
    examples: {
      'Write report.html': 'report',
      'Write one page about two networks': 'report --network mainnet,sepolia --output networks.html',
    },
    networks: 'together',
    load: async () => (await import('../../commands/report/command.ts')).report,
  },
  {
    name: 'serve',
    about: 'Serve that page live, metrics, and answers for probes, over HTTP',
    usage: '[table…] [flags]',
    flags: [
      ...flags.selection,
      flag('listen <address:port>', 'Where to listen; whoever reaches it can read', {
        example: '0.0.0.0:8477',
        fallback: '127.0.0.1:8477',
      }),
      flags.lag,
      flags.quiet,
      ...flags.common,
    ],
    exits: { ...exits.asking, 0: 'Ended by Ctrl-C or SIGTERM' },
    examples: { 'Open http://127.0.0.1:8477/ in a browser': 'serve' },
    load: async () => (await import('../../commands/serve/command.ts')).serve,
  },
]
