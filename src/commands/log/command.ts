// Owns `backfill log`: the latest runs, or the attempts of a table or a run. It asks the target server only.
import type { Server } from '../../clickhouse/server.ts'
import { EXIT, usageError } from '../../model/errors.ts'
import type { Catalogue } from '../../model/model.ts'
import { importKey } from '../../model/table-key.ts'
import type { LogPort } from './log.ts'
import { knownNames } from '../../model/did-you-mean.ts'
import { nonEmpty, positiveCount, readFlag } from '../../workspace/values.ts'
import type { Command, Context } from '../../session/command.ts'
import { requireOneTable } from '../../terminal/one-table-one-range.ts'
import { renderEvents, renderRuns } from './render.ts'
import { eventFields, runFields } from './json.ts'
import { type Connections } from '../../workspace/open.ts'
import { withConnections } from '../../session/session.ts'

const DEFAULT_LIMIT = 20

export const log: Command = async (context) => {
  const { config, flags, output } = context
  const limit = readFlag(flags, 'limit', positiveCount) ?? DEFAULT_LIMIT
  const table = flags.has('tables') ? requireOneTable(flags, 'log') : undefined
  const run = readFlag(flags, 'run', nonEmpty)
  const { findNetwork, readCatalogue } = await import('../../project/sql-folder.ts')
  const catalogue = await readCatalogue(config.sql.value)
  const network = findNetwork(catalogue, config.network.value).name
  const style = { columns: output.columns, colors: output.resultColors }
  const json = flags.has('json')

  return await withLog(context, catalogue, async (port) => {
    const exists = await port.exists()
    if (!exists)
      output.message([`There is no ledger in ${config.ledgerDatabase.value}: nothing has run yet.`])
    if (exists && table !== undefined && !catalogue.tables.some(({ key }) => key === table))
      await requireKnown(port, catalogue, table)
    const question = { table, limit, errors: flags.has('errors') }
    if (table === undefined && run === undefined) {
      const runs = exists ? await port.runs(question) : []
      if (json) output.json({ network, runs: runs.map(runFields) })
      else output.result(renderRuns(runs, { ...style, limit }))
      return EXIT.ok
    }
    const runId = run === undefined ? undefined : exists ? await fullRunId(port, run) : run
    const events = exists ? await port.events({ ...question, runId }) : []
    if (json) output.json({ network, events: events.map(eventFields) })
    else output.result(renderEvents(events, { ...style, limit, table }))
    return EXIT.ok
  })
}

/** Opens only the target, so that `log` works while the source is unreachable. */
async function withLog<T>(
  context: Context,
  catalogue: Catalogue,
  use: (port: LogPort) => Promise<T>,
): Promise<T> {
  const { config } = context
  return await withConnections(context, async ({ source, target: connection }: Connections) => {
    const { openServer } = await import('../../clickhouse/server.ts')
    const { openLog } = await import('./log.ts')
    const { openTarget } = await import('../../targets/target.ts')
    const { openLocks } = await import('../../lock/lock.ts')
    const { namesFor } = await import('../../clickhouse/own-databases.ts')
    const { joinCluster } = await import('../../clickhouse/cluster/cluster.ts')
    const reached = await openServer(connection)
    try {
      const names = namesFor(config.ledgerDatabase.value)
      const joined = await joinCluster(reached, { cluster: config.cluster.value, names })
      const about = { ...joined, network: config.network.value }
      const derived = openTarget(about)
      return await use(
        openLog({
          ...about,
          kept: [
            { targets: new Map(catalogue.tables.map(({ key, target }) => [key, target])), target: derived },
            {
              targets: new Map(catalogue.sources.map(({ table }) => [importKey(table), table])),
              target: openTarget({
                ...about,
                server: inDatabase(joined.server, source.database),
                mayHide: true,
              }),
            },
          ],
          target: derived,
          locks: openLocks({ ...about, exclusive: config.servers.kind === 'embedded' }),
        }),
      )
    } finally {
      await reached.close()
    }
  })
}

/** Imports fill the source database of the target server. */
function inDatabase(server: Server, database: string): Server {
  return { ...server, connection: { ...server.connection, database } }
}

/** A table without files still has its history. */
async function requireKnown(port: LogPort, { tables }: Catalogue, table: string): Promise<void> {
  const known = [...new Set([...tables.map(({ key }) => key), ...(await port.tables())])]
  if (!known.includes(table)) throw usageError(`unknown table '${table}'`, knownNames('tables', table, known))
}

/** Finds a run by a prefix of its id. */
async function fullRunId(port: LogPort, prefix: string): Promise<string> {
  const [id, ...others] = await port.runIds(prefix)
  if (id === undefined)
    throw usageError(`no run begins with '${prefix}'`, '`backfill log` shows the latest runs')
  if (others.length > 0 && id !== prefix)
    throw usageError(`several runs begin with '${prefix}'`, `type more of it: ${[id, ...others].join(', ')}`)
  return id
}
