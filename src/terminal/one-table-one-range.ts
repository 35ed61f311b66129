// Owns reading the tables and the range for commands that require them.
import { usageError } from '../model/errors.ts'
import type { Range } from '../model/blocks.ts'
import { typedBounds } from '../workspace/run-options.ts'
import { names, readFlag, type Flags } from '../workspace/values.ts'
import { assertTogether } from './argv.ts'

/** --from and --to; --from alone is one block. `who` needs it: `preview`. @throws BackfillError `usage` */
export function typedRange(flags: Flags, who: string): Range {
  const { from, to } = typedBounds(flags)
  if (from === undefined)
    throw usageError(
      `${who} needs --from <block>, the first block`,
      'add --from, and --to for more than one block',
    )
  return { from, to: to ?? from }
}

export function requireChoice(flags: Flags, command: string): void {
  assertTogether(flags, { exclusive: ['tables all'] })
  if (!flags.has('tables') && !flags.has('all'))
    throw usageError(`\`${command}\` needs --tables a,b or --all`, '`backfill list` shows the tables')
}

/** @throws BackfillError `usage` if none or several are named */
export function requireOneTable(flags: Flags, command: string): string {
  const [table, second] = readFlag(flags, 'tables', names) ?? []
  if (table !== undefined && second === undefined) return table
  throw usageError(
    table === undefined
      ? `\`${command}\` needs a table: \`backfill ${command} <table>\``
      : `\`${command}\` works on one table, got '${table}' and '${second}'`,
    '`backfill list` shows the tables',
  )
}
