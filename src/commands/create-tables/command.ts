// Owns `backfill create-tables`.
import { EXIT } from '../../model/errors.ts'
import type { Command } from '../../session/command.ts'
import { withWorld } from '../../session/session.ts'
import { requireChoice } from '../../terminal/one-table-one-range.ts'

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
