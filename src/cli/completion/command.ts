// Owns `backfill completion`: prints the script with which a shell completes this program's words.
import { EXIT, usageError } from '../../model/errors.ts'
import { nonEmpty, readFlag, type Word } from '../../workspace/values.ts'
import { SCRIPTS, type Shell, SHELLS } from './scripts.ts'
import type { Command } from '../../session/command.ts'

export const completion: Command = async ({ flags, output }) => {
  const shell = readFlag(flags, 'shell', knownShell)
  if (shell === undefined) throw usageError('`completion` needs a shell', HINT)
  output.result([SCRIPTS[shell]])
  return EXIT.ok
}

const HINT = `backfill completion ${SHELLS.join('|')}`

function knownShell(word: Word): Shell {
  const shell = SHELLS.find((known) => known === nonEmpty(word))
  if (shell !== undefined) return shell
  throw usageError(`there is no completion for the shell '${word.text}'`, HINT)
}
