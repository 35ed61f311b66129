// Owns which command was meant, and the help. cac matches the command's name and draws; it never sees a value,
// because it would cast it (`--from ''` to 0, 0x10 to 16).
import { cac } from 'cac'
import { usageError } from '../model/errors.ts'
import { nearest } from '../model/did-you-mean.ts'
import { type Flag, readFlags } from '../terminal/argv.ts'
import { type Flags } from '../workspace/values.ts'
import type { CommandEntry } from '../session/command.ts'
import { COMMANDS, GROUPS } from './commands.ts'

export type Invocation =
  | { readonly kind: 'help' }
  | { readonly kind: 'version' }
  | { readonly kind: 'command'; readonly entry: CommandEntry; readonly flags: Flags }

/**
 * Finds the command: the first word that is no flag. Draws the help on stdout where it was asked for.
 * @throws BackfillError `usage` for a missing or an unknown command and for bad flags.
 */
export function readCommandLine(argv: readonly string[]): Invocation {
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
    throw usageError('no command given', HELP)
  }
  const flags = readFlags(argv.toSpliced(at, 1), entry.name, entry.flags)
  return { kind: 'command', entry, flags: new Map([...Object.entries(entry.implied ?? {}), ...flags]) }
}

const HELP = '`backfill --help` lists the commands'
const READ_ON =
  'Read on: README.md (first steps, exit codes, troubleshooting), docs/adding-a-table.md, docs/checks.md.'

function define(): ReturnType<typeof cac> {
  const cli = cac('backfill')
  for (const { name, about, flags } of COMMANDS) {
    const command = cli.command(`${name}${bareFlags(flags)}`, about)
    for (const flag of flags)
      command.option([`--${flag.name}`, flag.value].filter(Boolean).join(' '), flag.about)
  }
  cli.help((sections) => {
    const command = cli.matchedCommand
    return command === undefined
      ? [
          sections[1],
          ...groups(),
          { body: '`backfill <command> --help` shows the flags of a command.' },
          { body: READ_ON },
        ].filter((section) => section !== undefined)
      : [{ body: `${command.description}.` }, ...sections.slice(1).map(tidy)]
  })
  cli.showHelpOnExit = false // Drawn by us, after the command is known to exist.
  return cli
}

/** How the help draws the words that need no flag: ` [table…]`, ` [bash|zsh|fish]`. */
function bareFlags(flags: readonly Flag[]): string {
  const value = flags.find((flag) => flag.bare)?.value
  if (value === undefined) return ''
  return value === '<a,b>' ? ' [table…]' : ` [${value.slice(1, -1)}]`
}

function groups(): { readonly title: string; readonly body: string }[] {
  const width = Math.max(...COMMANDS.map(({ name }) => name.length))
  return [...GROUPS].map(([title, commands]) => ({
    title,
    body: commands.map(({ name, about }) => `  ${name.padEnd(width)}  ${about}`).join('\n'),
  }))
}

/** cac calls every `--no-x` "(default: true)" and leaves blanks at the ends of lines. */
function tidy(section: { title?: string; body: string }): { title?: string; body: string } {
  return { ...section, body: section.body.replaceAll(/ *(\(default: true\))?$/gm, '') }
}

function unknownCommand(word: string): Error {
  const near = nearest(
    word,
    COMMANDS.map(({ name }) => name),
  )
  return usageError(
    `unknown command '${word}'`,
    (near === undefined ? '' : `did you mean '${near}'? `) + HELP,
  )
}
