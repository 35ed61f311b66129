// Owns `backfill run`, the verb of the Python scripts with its flags. It works like `up` and obeys the ledger.
import { usageError } from '../../model/errors.ts'
import { positiveCount, readFlag } from '../../workspace/values.ts'
import type { Command } from '../../session/command.ts'
import { runUp } from '../../session/supervised-run.ts'
import type { Session } from '../../workspace/open.ts'
import { requireChoice } from '../../terminal/one-table-one-range.ts'
import { upOptions } from '../../workspace/run-options.ts'

export const run: Command = async (context) => {
  const { config, output, flags } = context
  requireChoice(flags, 'run')
  const options = upOptions(context, { from: 'start-block', to: 'end-block' })
  const chunk = readFlag(flags, 'step-size', positiveCount) ?? config.chunk.value
  const ready = async (session: Session): Promise<void> => {
    if (!flags.has('create-tables')) await requireTables(session)
    if (!flags.has('quiet')) output.message(['`run` obeys the ledger: ranges that are done are skipped.'])
  }
  return await runUp(context, { ...options, chunk }, { ready })
}

async function requireTables({ workspace }: Session): Promise<void> {
  const { target } = workspace.ports
  const existing = await target.tables(workspace.chosen.map((table) => table.target))
  const missing = workspace.chosen.filter((table) => !existing.has(table.target))
  if (missing.length === 0) return
  const tables = missing.map((table) => `${target.database}.${table.target}`).join(', ')
  const keys = missing.map(({ key }) => key).join(',')
  throw usageError(
    `${tables} ${missing.length === 1 ? 'does' : 'do'} not exist`,
    `type \`backfill create-tables --tables ${keys}\` first, or add --create-tables`,
  )
}
