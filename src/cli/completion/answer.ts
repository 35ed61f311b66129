// Owns the answer to a shell's Tab; none on an error, which would land in the line that the person is typing.
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { isNetworkName, shortName } from '../../model/table-key.ts'
import { COMMANDS } from '../commands.ts'
import { readConfig } from '../../workspace/config.ts'
import { readText } from '../../workspace/text-file.ts'
import { typedWords } from '../../workspace/values.ts'
import type { Environment } from '../../workspace/variables.ts'
import { complete } from './candidates.ts'

export type Tab = {
  /** The shell's name, then the words after `backfill`; the cursor is at the last one. */
  readonly argv: readonly string[]
  readonly environment: Environment
  readonly folder: string
}

export function answerTab({ argv: [shell = '', ...typed], environment, folder }: Tab): readonly string[] {
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
  const found = complete({ words, commands: COMMANDS, names })
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
  return readdirSync(folder)
    .filter((name) => name.endsWith('.sql'))
    .map((name) => name.slice(0, -'.sql'.length))
    .toSorted()
}
