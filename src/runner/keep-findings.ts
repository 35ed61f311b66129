// Owns keeping what a run found missing from the sources, so that `status` and `plan` need not look again, and what it saw of its
// tables, for whoever reads the ledger's views.
import { subtract, blockSet } from '../model/blocks.ts'
import { withInherited, sourcesText } from '../planning/probe-missing.ts'
import type { RunContext } from './prepare.ts'
import type { TableRun } from './table-run.ts'
import type { Workspace } from './workspace.ts'

const NOTHING = { sourceGaps: [], incomplete: [] }

/**
 * Of the tables whose missing blocks, and those of what they read, the run has looked at to the end: where it began with none, the rows of the run
 * before still hold. @throws BackfillError `server`
 */
export async function keepSeen(workspace: Workspace, context: RunContext): Promise<void> {
  const { runs, options, runId, tableStatuses } = context
  if (options.from !== undefined || options.to !== undefined) return
  const unknown = new Set<string>()
  for (const [key, { table, missing }] of tableStatuses) {
    const { failure, unprobed = missing, wanted = [] } = runs.get(key) ?? {}
    const isKnown = failure === undefined && unprobed.length === 0 && subtract(missing, wanted).length === 0
    if (!isKnown || table.after.some((input) => unknown.has(input))) unknown.add(key)
  }
  const own = new Map([...tableStatuses.keys()].map((key) => [key, runs.get(key) ?? NOTHING]))
  const found = withInherited(tableStatuses, own)
  const seen = [...runs.values()].flatMap(({ key, tableStatus: { table, bounds, missing } }) => {
    const { expected, inputs, unready = '' } = bounds
    const target_uuid = context.uuids.get(key)
    const { sourceGaps, incomplete } = found.get(key)!
    const isLong = sourceGaps.length + incomplete.length > MOST_RANGES
    if (unknown.has(key) || missing.length === 0 || isLong || target_uuid === undefined) return []
    return [
      {
        table_key: key,
        target_uuid,
        unit: table.unit,
        expected_from: expected?.from,
        head: expected?.to,
        newest: inputs.newest,
        sourceGaps,
        incomplete,
        waiting_for: unready,
        sql_hash: table.sqlHash,
        run_id: runId,
      },
    ]
  })
  if (seen.length > 0) await workspace.ports.findings.keepSeen(seen)
}

/** More ranges than these cost more to keep than to find. */
const MOST_RANGES = 20_000

/**
 * Writes one row for each set of sources in which something is missing, unless all of it was kept by an earlier run: then the row says when that one
 * looked. @throws BackfillError `server`
 */
export async function keepFound(
  workspace: Workspace,
  { runs, kept, partsBefore }: Pick<RunContext, 'runs' | 'kept' | 'partsBefore'>,
): Promise<void> {
  const isNew = ({ key, sourceGaps, incomplete }: TableRun) => {
    const known = kept.get(key) ?? NOTHING
    return subtract(sourceGaps, known.sourceGaps).length + subtract(incomplete, known.incomplete).length > 0
  }
  // Why blocks wait for an absent source is said by who looks for it.
  const finders = [...runs.values()].filter(
    ({ absent, sourceGaps, incomplete, tableStatus: { table } }) =>
      absent.size === 0 && sourceGaps.length + incomplete.length > 0 && table.sources.length > 0,
  )
  const parts = finders.some(isNew) ? await partsBefore() : undefined
  if (parts === undefined) return
  const sets = Map.groupBy(finders, ({ tableStatus: { table } }) => sourcesText(workspace, table))
  const changed = [...sets].filter(([, same]) => same.some(isNew))
  const found = changed.map(([sources, same]) => ({
    sources,
    sourceGaps: blockSet(same.flatMap((run) => run.sourceGaps)),
    incomplete: blockSet(same.flatMap((run) => run.incomplete)),
    parts: parts.filter(({ source }) => same[0]!.tableStatus.table.sources.includes(source)),
  }))
  const small = found.filter(
    ({ sourceGaps, incomplete }) => sourceGaps.length + incomplete.length <= MOST_RANGES,
  )
  if (small.length > 0) await workspace.ports.findings.keepFound(small)
}
