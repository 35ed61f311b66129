// Owns `backfill create-tables`.
import { EXIT, usageError } from '../../model/errors.ts'
import type { Words } from '../../terminal/argv.ts'
import type { Command } from '../../session/command.ts'
import { withWorld } from '../../session/session.ts'

export const createTablesCommand: Command = async (context) => {
  requireChoice(context.words, 'create-tables')
  const { output } = context
  return await withWorld(context, async ({ world }) => {
    const { createTables } = await import('../../runner/create-tables.ts')
    const { green, dim } = output.resultPaint
    const lines = await createTables(world)
    output.result(
      lines.map(({ target, created }) => `${created ? green('created') : dim('exists ')}  ${target}`),
    )
    return EXIT.ok
  })
}

/** The Python scripts' verbs want to be told which tables. */
export function requireChoice(words: Words, command: string): void {
  const { tables, all } = { tables: words.has('tables'), all: words.has('all') }
  if (tables && all) throw usageError('--tables and --all exclude each other', 'keep one of them')
  if (!tables && !all) {
    throw usageError(`\`${command}\` needs --tables a,b or --all`, '`backfill list` shows the tables')
  }
}
