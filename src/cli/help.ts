// Owns the help as text, for 80 columns. Pure; cac draws the sections.
import type { Flag } from '../terminal/argv.ts'
import { common } from '../terminal/flags.ts'
import type { CommandEntry } from '../session/session.ts'
import { listOf } from '../terminal/render/format.ts'
import { wrap } from '../terminal/render/wrap.ts'
import { GROUPS } from './commands.ts'

const isShared = (flag: Flag) => common.includes(flag)

export type Section = { readonly title?: string; readonly body: string }

const WIDTH = 80

const WIDEST_FLAG = 26

export function overview(): readonly Section[] {
  const groups = [...GROUPS].map(([title, commands]) => ({
    title,
    body: rows(commands.map(({ name, about }) => [name, about])),
  }))
  const more = [
    '`backfill help <command>` shows the flags of a command.',
    'README.md has the first steps, docs/reference.md all commands and flags.',
  ]
  return [...groups, { body: more.join('\n') }]
}

export function flagsOf({ flags }: CommandEntry) {
  return { own: flags.filter((flag) => !isShared(flag)), shared: flags.filter(isShared) }
}

/** The text of `backfill <command> --help`; `usage`: its usage, as cac writes it. */
export function commandHelp(entry: CommandEntry, usage: Section): readonly Section[] {
  const { own, shared } = flagsOf(entry)
  const examples = Object.entries(entry.examples).map(([what, words]) => `  # ${what}\n  $ backfill ${words}`)
  return listOf<Section>(
    { body: `${entry.about}.` },
    usage,
    own.length > 0 && { title: 'Flags', body: rows(own.map(flagRow)) },
    { title: 'Common flags', body: rows([...shared.map(flagRow), ['-h, --help', 'This text']]) },
    { title: 'Exit codes', body: rows(Object.entries(entry.exits)) },
    { title: 'Examples', body: examples.join('\n') },
  )
}

export function flagUsage({ name, value }: Flag): string {
  return value === undefined ? `--${name}` : `--${name} ${value}`
}

function flagRow(flag: Flag): readonly [string, string] {
  return [flagUsage(flag), flag.about]
}

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
  return wrap(text.replaceAll('env: ', 'env:\u00a0'), width, '').map((line) => line.replaceAll('\u00a0', ' '))
}
