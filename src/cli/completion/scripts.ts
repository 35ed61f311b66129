// Owns the scripts of completion. They evaluate no typed word: a half-typed `$(rm …)` must not run because of a Tab.
import { readFile } from 'node:fs/promises'
import { EXIT, usageError } from '../../model/errors.ts'
import { PACKAGE_FOLDER } from '../../package-folder.ts'
import type { Command } from '../../session/session.ts'
import { oneOf, readFlag } from '../../workspace/values.ts'

/** The hidden command that a script calls; the shell's name and the half-typed line follow. */
export const QUESTION = '__complete'

export const SHELLS = ['bash', 'zsh', 'fish'] as const

export const completion: Command = async ({ flags, output }) => {
  const shell = readFlag(flags, 'shell', oneOf(SHELLS))
  if (shell === undefined)
    throw usageError('`completion` needs a shell', `backfill completion ${SHELLS.join('|')}`)
  const script = await readFile(new URL(`sql-templates/completion/${shell}`, PACKAGE_FOLDER), 'utf8')
  output.data(script.trimEnd().split('\n'))
  return EXIT.ok
}
