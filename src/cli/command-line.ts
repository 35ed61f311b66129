// Owns finding the command in the typed words, and the help. cac never sees a value: it would cast it (0x10 to 16).
import { cac } from 'cac'
import { usageError, nearest } from '../model/errors.ts'
import { readFlags } from '../terminal/argv.ts'
import { requireChoice } from '../terminal/one-table-one-range.ts'
import { type Flags, typedWords } from '../workspace/values.ts'
import type { CommandEntry } from '../session/session.ts'
import { COMMANDS } from './commands.ts'
import { commandHelp, overview } from './help.ts'

export type Invocation =
  | { readonly kind: 'help' }
  | { readonly kind: 'version' }
  | { readonly kind: 'command'; readonly entry: CommandEntry; readonly flags: Flags }

export function readCommandLine(typed: readonly string[]): Invocation {
  // `help up` is `up --help`.
  const argv = typed[0] === 'help' ? [...typed.slice(1), '--help'] : typed
  const at = argv.findIndex((word) => !word.startsWith('-'))
  const cli = define()
  cli.parse(['node', 'backfill', ...argv.slice(at, at + 1)], { run: false })
  const entry = COMMANDS.find((command) => command.name === cli.matchedCommandName)
  if (entry === undefined && at >= 0) throw unknownCommand(String(argv[at]))
  if (argv.includes('--help') || argv.includes('-h')) {
    cli.outputHelp()
    return { kind: 'help' }
  }
  if (entry === undefined) {
    if (argv.includes('--version') || argv.includes('-v')) return { kind: 'version' }
    if (argv.length === 0) cli.outputHelp()
    throw usageError('no command given', HELP)
  }
  const flags = readFlags(argv.toSpliced(at, 1), entry.name, entry.flags)
  if (entry.needsChoice) requireChoice(flags, entry.name)
  return { kind: 'command', entry, flags: new Map([...typedWords(entry.implied ?? {}), ...flags]) }
}

const HELP = '`backfill --help` lists the commands'

function define(): ReturnType<typeof cac> {
  const cli = cac('backfill')
  for (const { name, about, usage } of COMMANDS) cli.command(name, about).usage(`${name} ${usage}`)
  cli.help(([, usage]) => {
    const entry = COMMANDS.find(({ name }) => name === cli.matchedCommandName)
    return entry === undefined ? [usage!, ...overview()] : [...commandHelp(entry, usage!)]
  })
  cli.showHelpOnExit = false // The help is printed below, after the command is known to exist.
  return cli
}

function unknownCommand(word: string): Error {
  const names = COMMANDS.map(({ name }) => name)
  const near = nearest(word, names)
  return usageError(
    `unknown command '${word}'`,
    (near === undefined ? '' : `did you mean '${near}'? `) + HELP,
  )
}
