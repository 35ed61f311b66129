// Owns the table of commands, in the groups and the order of the help.
import type { CommandEntry, DeclaredEntry } from '../session/session.ts'
import { LOOK } from './entries/look.ts'
import { SQL } from './entries/sql.ts'
import { PYTHON, WORK } from './entries/work.ts'
import { common, declared } from '../terminal/flags.ts'
import { asking, local } from './exits.ts'

const complete = (entries: readonly DeclaredEntry[]): readonly CommandEntry[] =>
  entries.map(({ flags, isLocal = false, ...entry }) => ({
    usage: '[table…] [flags]',
    exits: isLocal ? local : asking,
    flags: [...declared(...flags), ...(isLocal ? [] : common)],
    ...entry,
  }))

export const GROUPS: ReadonlyMap<string, readonly CommandEntry[]> = new Map([
  ['Process', complete(WORK)],
  ['Inspect', complete(LOOK)],
  ['Edit SQL', complete(SQL)],
  ['For callers of the Python scripts', complete(PYTHON)],
])

export const COMMANDS: readonly CommandEntry[] = [...GROUPS.values()].flat()
