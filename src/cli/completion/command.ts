// Owns `backfill completion`: prints the script with which a shell completes this program's words.
import { EXIT, usageError } from '../../model/errors.ts'
import { oneOf, readFlag } from '../../workspace/values.ts'
import { SCRIPTS, SHELLS } from './scripts.ts'
import type { Command } from '../../session/command.ts'

export const completion: Command = async ({ flags, output }) => {
  const shell = readFlag(flags, 'shell', oneOf(SHELLS))
  if (shell === undefined)
    throw usageError('`completion` needs a shell', `backfill completion ${SHELLS.join('|')}`)
  output.data(SCRIPTS[shell].split('\n'))
  return EXIT.ok
}
