// Owns the reading of the one table that a command works on.
import { usageError } from '../model/errors.ts'
import { names, readFlag, type Words } from '../workspace/values.ts'

/** @throws BackfillError `usage` where none is named, or several are */
export function requireOneTable(words: Words, command: string): string {
  const [table, second] = readFlag(words, 'tables', names) ?? []
  if (table !== undefined && second === undefined) return table
  throw usageError(
    table === undefined
      ? `\`${command}\` needs a table: \`backfill ${command} <table>\``
      : `\`${command}\` works on one table, got '${table}' and '${second}'`,
    '`backfill list` shows the tables',
  )
}
