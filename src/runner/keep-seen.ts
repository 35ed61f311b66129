// Owns keeping what a run saw of its tables, for whoever reads the ledger's views.
import { isMissing } from '../clickhouse/server-error.ts'
import { intersect } from '../model/blocks.ts'
import { MOST_RANGES } from './keep-found.ts'
import type { RunContext } from './prepare.ts'
import type { Workspace } from './workspace.ts'

/**
 * Of the tables whose missing blocks the run has looked at to the end: where it began with none, the rows of the run before still hold. A ledger of an
 * older version gets the table first. @throws BackfillError `server`
 */
export async function keepSeen(workspace: Workspace, context: RunContext): Promise<void> {
  const { runs, options, runId } = context
  if (options.from !== undefined || options.to !== undefined) return
  const seen = [...runs.values()].flatMap(
    ({ key, failure, unprobed, sourceGaps, incomplete, tableStatus: { table, bounds, missing } }) => {
      const { expected, inputs, unready = '' } = bounds
      const targetUuid = context.uuids.get(key)
      const isKnown = failure === undefined && unprobed.length === 0 && missing.length > 0
      const isLong = sourceGaps.length + incomplete.length > MOST_RANGES
      if (!isKnown || isLong || targetUuid === undefined) return []
      const within = expected === undefined ? [] : [expected]
      return [
        {
          key,
          targetUuid,
          unit: table.unit,
          expected,
          newest: inputs.newest,
          sourceGaps: intersect(sourceGaps, within),
          incomplete: intersect(incomplete, within),
          waitingFor: unready,
          sqlHash: table.sqlHash,
        },
      ]
    },
  )
  if (seen.length === 0) return
  const { ports, catalogue } = workspace
  await ports.seen.keep(seen, runId).catch(async (error: unknown) => {
    if (!isMissing(error)) throw error
    await ports.target.prepareLedger(catalogue.ledger.filter(({ text }) => text.includes('}.tables')))
    await ports.seen.keep(seen, runId)
  })
}
