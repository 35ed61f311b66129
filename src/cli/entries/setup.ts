// Owns the entries of the commands about the configuration and the servers, and of those that show the tables in a browser.
import * as flags from '../../terminal/flags.ts'
import * as exits from '../exits.ts'
import type { DeclaredEntry } from '../../session/session.ts'
import { flag } from '../../terminal/flags.ts'

export const SETUP: readonly DeclaredEntry[] = [
  {
    name: 'info',
    about: 'Show the configuration, where it comes from, and the servers',
    usage: '[flags]',
    flags: [
      'grants <runner|reader>  The GRANT lines for the user on the target, or on the source; asks no server',
      ...flags.sizing,
      flags.compression,
      flags.json,
    ],
    examples: {
      'Show which server is meant, and why': 'info',
      'What an administrator types for the user of up': 'info --grants runner',
    },
    load: async () => (await import('../../commands/info/command.ts')).info,
  },
  {
    name: 'doctor',
    about: 'Check whether servers, rights, storage and ledger are fit for a run',
    usage: '[flags]',
    flags: [
      ...flags.selection,
      'idle <duration>  How long a connection without traffic has to stay open, e.g. 60s, 5m (default: 3s)',
      flags.json,
    ],
    exits: { ...exits.asking, 0: 'Nothing failed', 1: 'A check failed' },
    examples: {
      'Check everything': 'doctor',
      'Check whether a proxy closes quiet connections': 'doctor --idle 5m',
    },
    load: async () => (await import('../../commands/doctor/command.ts')).doctor,
  },
  {
    name: 'completion',
    about: 'Print the script that completes words in a shell with Tab',
    usage: '(bash | zsh | fish)',
    flags: [flag('shell <bash|zsh|fish>  The shell', { bare: true }), flags.noColor],
    isLocal: true,
    examples: { 'In ~/.bashrc': 'completion bash' },
    load: async () => (await import('../completion/scripts.ts')).completion,
  },
]

export const REPORT: readonly DeclaredEntry[] = [
  {
    name: 'report',
    about: 'Write one page about tables, runs and SQL, for a browser',
    flags: [
      ...flags.selection,
      'output <file>  File to write; `-` is stdout, e.g. /var/www/backfill.html (default: report.html)',
      flags.lag,
      flags.json,
      flags.quiet,
    ],
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
    flags: [
      ...flags.selection,
      'listen <address:port>  Where to listen; whoever reaches it can read, e.g. 0.0.0.0:8477 (default: 127.0.0.1:8477)',
      flags.lag,
      flags.quiet,
    ],
    exits: { ...exits.asking, 0: 'Ended by Ctrl-C or SIGTERM' },
    examples: {
      'Open http://127.0.0.1:8477/ in a browser': 'serve',
      'Serve two networks': 'serve --network mainnet,sepolia',
    },
    networks: 'together',
    load: async () => (await import('../../commands/serve/command.ts')).serve,
  },
]
