// Owns the table of commands, in the groups and the order of the help.
import type { CommandEntry } from '../session/command.ts'
import { LOOK } from './entries/look.ts'
import { PYTHON } from './entries/python.ts'
import { SQL } from './entries/sql.ts'
import { WORK } from './entries/work.ts'

/** Heading in the help -> its commands. */
export const GROUPS: ReadonlyMap<string, readonly CommandEntry[]> = new Map([
  ['Work', WORK],
  ['Look', LOOK],
  ['SQL', SQL],
  ['As in the Python scripts', PYTHON],
])

export const COMMANDS: readonly CommandEntry[] = [...GROUPS.values()].flat()
