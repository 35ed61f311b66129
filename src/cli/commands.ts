// Owns the table of commands, in the groups and the order of the help.
import type { CommandEntry } from '../session/command.ts'
import { LOOK } from './entries/look.ts'
import { SQL } from './entries/sql.ts'
import { PYTHON, WORK } from './entries/work.ts'

/** Heading in the help -> its commands. */
export const GROUPS: ReadonlyMap<string, readonly CommandEntry[]> = new Map([
  ['Process', WORK],
  ['Inspect', LOOK],
  ['Edit SQL', SQL],
  ['For callers of the Python scripts', PYTHON],
])

export const COMMANDS: readonly CommandEntry[] = [...GROUPS.values()].flat()
