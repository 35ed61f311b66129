// Owns the entries of the commands about the configuration and the servers.
import type { CommandEntry } from '../../session/command.ts'
import * as flags from '../../terminal/flags.ts'
import { flag } from '../../terminal/flags.ts'
import * as exits from '../exits.ts'

export const SETUP: readonly CommandEntry[] = [
  {
    name: 'info',
    about: 'Show the configuration, where it comes from, and the servers',
    usage: '[flags]',
    flags: [...flags.sizing, flags.compression, flags.json, ...flags.common],
    exits: exits.asking,
    examples: { 'Show which server is meant, and why': 'info' },
    load: async () => (await import('../../commands/info/command.ts')).info,
  },
  {
    name: 'doctor',
    about: 'Check whether servers, rights, storage and ledger are fit for a run',
    usage: '[flags]',
    flags: [
      ...flags.selection,
      flag('idle <duration>', 'How long a connection without traffic has to stay open', {
        example: '60s, 5m',
        fallback: '3s',
      }),
      flags.json,
      ...flags.common,
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
    flags: [flag('shell <bash|zsh|fish>', 'The shell', { bare: true }), flags.noColor],
    exits: exits.local,
    examples: { 'In ~/.bashrc': 'completion bash' },
    load: async () => (await import('../completion/command.ts')).completion,
  },
]
