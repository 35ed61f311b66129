// Owns the words that can follow at the cursor, from the table of commands and the half-typed line. Pure.
import { type Flag, isListFlag } from '../../terminal/argv.ts'
import type { CommandEntry } from '../../session/command.ts'

/** The whole answer if a folder comes next: the shell completes it itself. */
const FOLDER = ':folder'

/** Names that are known without a server. Read only where a name can follow. */
type KnownNames = Readonly<Record<'tables' | 'networks' | 'sources', () => readonly string[]>>

export type CompletionQuestion = {
  /** The words after `backfill`, as typed; the cursor is at the last one, which may be empty. */
  readonly words: readonly string[]
  readonly commands: readonly CommandEntry[]
  readonly names: KnownNames
}

/** Whole words (also `--flag=value`) that begin with the typed letters; or FOLDER, for a folder, which the shell completes. */
export function complete({ words, commands, names }: CompletionQuestion): readonly string[] {
  const last = words.at(-1) ?? ''
  const before = words.slice(0, -1)
  const at = before.findIndex((word) => !word.startsWith('-'))
  const entry = commands.find(({ name }) => name === before[at])
  if (at < 0)
    return matching(last, last.startsWith('-') ? ['--help', '--version'] : commands.map(({ name }) => name))
  if (entry === undefined) return []
  // `--tables=` and what is typed of its value, or the flag before whose value comes next.
  const [prefix = '', inline] = /^--([^=]+)=/.exec(last) ?? []
  const word = inline === undefined ? before.at(-1) : `--${inline}`
  const open = entry.flags.find(({ name, value }) => value !== undefined && `--${name}` === word)
  if (open === undefined && last.startsWith('-'))
    return inline === undefined ? matching(last, [...flagsLeft(entry.flags, before), '--help']) : []
  const flag = open ?? entry.flags.find(({ bare }) => bare)
  if (flag?.value?.startsWith('<folder')) return [FOLDER]
  const listed =
    flag !== undefined && isListFlag(flag) ? last.slice(prefix.length).split(',').slice(0, -1) : []
  const rest = listed.map((name) => `${name},`).join('')
  const left = valuesOf(flag, names).filter((value) => !listed.includes(value))
  return matching(
    last,
    left.map((value) => prefix + rest + value),
  )
}

function matching(typed: string, words: readonly string[]): readonly string[] {
  return words.filter((word) => word.startsWith(typed))
}

function flagsLeft(flags: readonly Flag[], before: readonly string[]): readonly string[] {
  const typed = new Set(before.map((word) => word.replace(/=.*$/s, '')))
  return flags.map(({ name }) => `--${name}`).filter((word) => !typed.has(word))
}

/** The values of a flag, by its notation in the help: <a,b> and <table> are tables, <x|y> is either word. */
function valuesOf(flag: Flag | undefined, names: KnownNames): readonly string[] {
  const choices = /^<([\w-]+(?:\|[\w-]+)+)>$/.exec(flag?.value ?? '')?.[1]
  if (choices !== undefined) return choices.split('|')
  if (flag?.value === '<a,b>' || flag?.value === '<table>') return names.tables()
  if (flag?.value === '<source,…>') return names.sources()
  return flag?.name === 'network' ? names.networks() : []
}
