// Owns `backfill log`: the latest runs, or the attempts of a table or a run. It asks the target server only.
import { EXIT, usageError, knownNames } from '../../model/errors.ts'
import { type Command, withTarget } from '../../session/session.ts'
import { requireOneTable } from '../../terminal/one-table-one-range.ts'
import { readScope } from '../../workspace/open.ts'
import { nonEmpty, positiveCount, readFlag } from '../../workspace/values.ts'
import { hasLedger, type History, type LoggedEvent, type LoggedRun, readLog } from './log.ts'
import { renderEvents, renderRuns } from './render.ts'

const DEFAULT_LIMIT = 20

export const log: Command = async (context) => {
  const { config, flags, output } = context
  const limit = readFlag(flags, 'limit', positiveCount) ?? DEFAULT_LIMIT
  const table = flags.has('tables') ? requireOneTable(flags, 'log') : undefined
  const run = readFlag(flags, 'run', nonEmpty)
  const { catalogue } = await readScope(config, [])
  const style = { columns: output.columns, colors: output.resultColors, limit }

  return await withTarget(context, async (place, { source }) => {
    const exclusive = config.servers.kind === 'embedded'
    const history: History = { ...place, catalogue, sourceDatabase: source.database, exclusive }
    const exists = await hasLedger(history)
    if (!exists)
      output.message([`There is no ledger in ${config.ledgerDatabase.value}: nothing has run yet.`])
    const question = { table, run, limit, errors: flags.has('errors') }
    if (table === undefined && run === undefined) {
      const runs = exists ? await readLog<LoggedRun>(history, 'runs', question) : []
      output.answer({ runs }, renderRuns(runs, style, question))
    } else {
      const events = exists ? await readLog<LoggedEvent>(history, 'events', question) : []
      if (exists && events.length === 0) await requireKnown(history, { table, run })
      output.answer({ events }, renderEvents(events, style, question))
    }
    return EXIT.ok
  })
}

/** A table without files still has its history. */
async function requireKnown(
  history: History,
  { table, run }: { readonly table: string | undefined; readonly run: string | undefined },
): Promise<void> {
  const has = async (only: { table?: string; run?: string }) =>
    (await readLog(history, 'events', { table: undefined, run: undefined, limit: 1, errors: false, ...only }))
      .length > 0
  const known = history.catalogue.tables.map(({ key }) => key)
  if (table !== undefined && !known.includes(table) && !(await has({ table })))
    throw usageError(`unknown table '${table}'`, knownNames('tables', table, known))
  if (run !== undefined && !(await has({ run })))
    throw usageError(`no run begins with '${run}'`, '`backfill log` shows the latest runs')
}
