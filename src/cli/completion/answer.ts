// Owns the answer to a shell's Tab: the words that can follow at the cursor. None on an error, which would land in the line that the person is typing.
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { isNetworkName, shortName } from '../../model/model.ts'
import { COMMANDS } from '../commands.ts'
import { readConfig } from '../../workspace/config.ts'
import { readText } from '../../workspace/text-file.ts'
import { typedWords } from '../../workspace/values.ts'
import type { Environment } from '../../workspace/variables.ts'
import { type Flag, isListFlag } from '../../terminal/argv.ts'

/** `typed`: the words after `backfill`; the cursor is at the last one. */
export function answerTab(
  [shell = '', ...typed]: readonly string[],
  environment: Environment,
  folder: string,
): readonly string[] {
  const words = shell === 'bash' ? joined(typed) : typed
  const sql = listOf('--sql', words)
  const named = (read: (folder: string) => readonly string[]) => (): readonly string[] => {
    const typedSql = typedWords(sql === undefined ? {} : { sql })
    const folders = quietly(() => readConfig({ flags: typedSql, environment, folder }).sql.value)
    const found = folders.flatMap((one) => quietly(() => read(one)))
    // A name goes into the line that is typed: `$(…)` or `;` in it would be a command. Names of networks have the most characters.
    return [...new Set(found)].filter(isNetworkName).toSorted()
  }
  const names = {
    tables: named((path) => sqlNames(join(path, 'transforms'))),
    networks: named((path) => {
      const file = join(path, 'networks.json')
      // A pipe would wait for a writer, in the line that is typed.
      return statSync(file).isFile() ? Object.keys(JSON.parse(readText(file)) as object) : []
    }),
    // As people type them.
    sources: named((path) => sqlNames(join(path, 'import')).map(shortName)),
  }
  const found = complete(words, names)
  // bash replaces only the text after the `=`.
  return shell === 'bash' ? found.map((word) => word.replace(/^--[^=]*=/, '')) : found
}

/** bash breaks words at `=`: `--tables`, `=`, `a` is `--tables=a`. */
function joined(words: readonly string[]): readonly string[] {
  const whole: string[] = []
  for (const [index, word] of words.entries()) {
    const glued = word === '=' || words[index - 1] === '='
    if (glued && whole.at(-1)?.startsWith('--') === true) whole.push(`${whole.pop()}${word}`)
    else whole.push(word)
  }
  return whole
}

/** A list may be typed in parts; undefined if there is none. */
function listOf(flag: string, words: readonly string[]): string | undefined {
  const parts = words.flatMap((word, at) =>
    word === flag ? (words[at + 1] ?? []) : word.startsWith(`${flag}=`) ? word.slice(flag.length + 1) : [],
  )
  return parts.length === 0 ? undefined : parts.join()
}

function quietly<Value>(read: () => readonly Value[]): readonly Value[] {
  try {
    return read()
  } catch {
    return []
  }
}

// Names are not checked: a mistake in one file must not hide the others. Reading is synchronous, because these are two
// small reads at the end of a short process.

function sqlNames(folder: string): readonly string[] {
  return readdirSync(folder).flatMap((name) => /^(.+)\.sql$/.exec(name)?.[1] ?? [])
}

/** The whole answer if a folder comes next: the shell completes it itself. */
const FOLDER = ':folder'

/** Names that are known without a server. Read only where a name can follow. */
type KnownNames = Readonly<Record<'tables' | 'networks' | 'sources', () => readonly string[]>>

/** Whole words (also `--flag=value`) that begin with the typed letters; or FOLDER, for a folder, which the shell completes. */
export function complete(words: readonly string[], names: KnownNames): readonly string[] {
  const last = words.at(-1) ?? ''
  const before = words.slice(0, -1)
  const at = before.findIndex((word) => !word.startsWith('-'))
  const entry = COMMANDS.find(({ name }) => name === before[at])
  if (at < 0)
    return matching(last, last.startsWith('-') ? ['--help', '--version'] : COMMANDS.map(({ name }) => name))
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
