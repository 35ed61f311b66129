// Owns finding the command in the typed words.
import { usageError } from '../model/errors.ts'
import { nearest } from '../model/did-you-mean.ts'
import { readFlags } from '../terminal/argv.ts'
import { requireChoice } from '../terminal/one-table-one-range.ts'
import { toolVersion } from '../workspace/tool-version.ts'
import { type Flags, typedWords } from '../workspace/values.ts'
import type { CommandEntry } from '../session/command.ts'
import { COMMANDS } from './commands.ts'
import { commandHelp, overview } from './help.ts'

export type Invocation =
  /** The help or the version, for stdout. */
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'command'; readonly entry: CommandEntry; readonly flags: Flags }

/**
 * Finds the command: the first word that is not a flag.
 * @throws BackfillError `usage` for a missing or an unknown command and for bad flags.
 */
export function readCommandLine(argv: readonly string[]): Invocation {
  const at = argv.findIndex((word) => !word.startsWith('-'))
  const entry = COMMANDS.find(({ name }) => name === argv[at])
  if (entry === undefined && at >= 0) throw unknownCommand(argv[at]!)
  if (argv.includes('--help') || argv.includes('-h'))
    return { kind: 'text', text: entry === undefined ? overview() : commandHelp(entry) }
  if (entry === undefined) {
    if (argv.includes('--version') || argv.includes('-v'))
      return { kind: 'text', text: `backfill ${toolVersion()}` }
    throw usageError('no command given', HELP)
  }
  const flags = readFlags(argv.toSpliced(at, 1), entry.name, entry.flags)
  if (entry.needsChoice) requireChoice(flags, entry.name)
  return { kind: 'command', entry, flags: new Map([...typedWords(entry.implied ?? {}), ...flags]) }
}

const HELP = '`backfill --help` lists the commands'

function unknownCommand(word: string): Error {
  const names = COMMANDS.map(({ name }) => name)
  const near = nearest(word, names)
  return usageError(
    `unknown command '${word}'`,
    (near === undefined ? '' : `did you mean '${near}'? `) + HELP,
  )
}
