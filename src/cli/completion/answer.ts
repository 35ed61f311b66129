// Owns the answer to a shell's Tab: the half-typed line in, the lines out that the shell's script expects. A question
// that cannot be answered has no lines: nobody wants an error message in the line that they are typing.
import { importNames, networkNames, tableKeys } from './known-names.ts'
import { COMMANDS } from '../commands.ts'
import { readConfig } from '../../workspace/config.ts'
import { typedWords } from '../../workspace/values.ts'
import type { Environment } from '../../workspace/variables.ts'
import { type Candidate, complete } from './candidates.ts'
import { FOLDER } from './question.ts'

export type Tab = {
  /** The shell's name, then the words behind `backfill`; the last one is where the cursor is. */
  readonly argv: readonly string[]
  readonly environment: Environment
  readonly folder: string
}

export function answerTab({ argv: [shell = '', ...typed], environment, folder }: Tab): readonly string[] {
  const words = shell === 'bash' ? joined(typed) : typed
  const sql = valueOf('--sql', words)
  const named = (read: (folder: string) => readonly string[]) => (): readonly string[] => {
    try {
      const typedSql = typedWords(sql === undefined ? {} : { sql })
      return read(readConfig({ flags: typedSql, environment, folder }).sql.value)
    } catch {
      return []
    }
  }
  const names = { tables: named(tableKeys), networks: named(networkNames), sources: named(importNames) }
  const completion = complete({ words, commands: COMMANDS, names })
  return completion.kind === 'folder' ? [FOLDER] : completion.words.map(LINES[shell] ?? (({ word }) => word))
}

const LINES: Readonly<Record<string, (candidate: Candidate) => string>> = {
  // bash shows no descriptions, and replaces only what stands behind the `=`.
  bash: ({ word }) => word.replace(/^--[^=]*=/, ''),
  zsh: ({ word, about }) =>
    described(
      [word, about].map((text) => text.replaceAll(':', '\\:')),
      ':',
    ),
  fish: ({ word, about }) => described([word, about], '\t'),
}

function described(texts: readonly string[], separator: string): string {
  return texts.filter((text) => text !== '').join(separator)
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

function valueOf(flag: string, words: readonly string[]): string | undefined {
  const at = words.findIndex((word) => word === flag || word.startsWith(`${flag}=`))
  return words[at] === flag ? words[at + 1] : words[at]?.slice(flag.length + 1)
}
