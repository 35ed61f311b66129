// Owns `backfill create-tables`.
import { EXIT } from '../../model/errors.ts'
import { type Command, withWorkspace } from '../../session/session.ts'

export const createTablesCommand: Command = async (context) => {
  const { output } = context
  return await withWorkspace(context, async ({ workspace }) => {
    const { createTables } = await import('../../runner/create-tables.ts')
    const { green, dim } = output.resultColors
    const { tables, check } = await createTables(workspace)
    await check?.()
    output.answer(
      { tables },
      tables.map(({ target, created }) => `${created ? green('created') : dim('exists ')}  ${target}`),
    )
    return EXIT.ok
  })
}
