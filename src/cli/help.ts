// Owns the help as text, for 80 columns. Pure.
import type { Flag } from '../terminal/argv.ts'
import { common, flagText } from '../terminal/flags.ts'
import type { CommandEntry } from '../session/command.ts'
import { GROUPS } from './commands.ts'

const isShared = (flag: Flag) => common.includes(flag)

const WIDTH = 80

/** A longer flag has a line of its own. */
const WIDEST_FLAG = 26

/** The text of `backfill --help`. */
export function overview(): string {
  return [
    section('Usage', '  $ backfill <command> [options]'),
    ...[...GROUPS].map(([title, commands]) =>
      section(title, rows(commands.map(({ name, about }) => [name, about]))),
    ),
    '`backfill <command> --help` shows the flags of a command.\nREADME.md has the first steps, docs/reference.md all commands and flags.',
  ].join('\n\n')
}

/** The command's own flags, and its common flags, both in its order. */
export function flagsOf({ flags }: CommandEntry) {
  return { own: flags.filter((flag) => !isShared(flag)), shared: flags.filter(isShared) }
}

/** The text of `backfill <command> --help`. */
export function commandHelp(entry: CommandEntry): string {
  const { own, shared } = flagsOf(entry)
  const examples = Object.entries(entry.examples).map(([what, words]) => `  # ${what}\n  $ backfill ${words}`)
  return [
    `${entry.about}.`,
    section('Usage', `  $ backfill ${entry.name} ${entry.usage}`),
    ...(own.length === 0 ? [] : [section('Flags', rows(own.map(flagRow)))]),
    section('Common flags', rows([...shared.map(flagRow), ['-h, --help', 'This text']])),
    section('Exit codes', rows(Object.entries(entry.exits))),
    section('Examples', examples.join('\n')),
  ].join('\n\n')
}

function section(title: string, body: string): string {
  return `${title}:\n${body}`
}

export function flagUsage({ name, value }: Flag): string {
  return value === undefined ? `--${name}` : `--${name} ${value}`
}

function flagRow(flag: Flag): readonly [string, string] {
  return [flagUsage(flag), flagText(flag)]
}

/** Two columns; the second is wrapped. */
function rows(pairs: readonly (readonly [head: string, text: string])[]): string {
  const column = Math.min(WIDEST_FLAG, Math.max(...pairs.map(([head]) => head.length)))
  const indent = ' '.repeat(column + 4)
  return pairs
    .flatMap(([head, text]) => {
      const lines = wrapped(text, WIDTH - indent.length)
      return head.length > column
        ? [`  ${head}`, ...lines.map((line) => indent + line)]
        : lines.map((line, index) => (index === 0 ? `  ${head.padEnd(column)}  ${line}` : indent + line))
    })
    .join('\n')
}

function wrapped(text: string, width: number): readonly string[] {
  const lines: string[] = []
  for (const word of text.split(/(?<!env:) /)) {
    const line = lines.at(-1)
    if (line === undefined || line.length + 1 + word.length > width) lines.push(word)
    else lines[lines.length - 1] = `${line} ${word}`
  }
  return lines
}
