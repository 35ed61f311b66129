// Owns keeping what a run found missing from the sources: `status` and `plan` need not look again.
import { blockSet } from '../model/blocks.ts'
import { sourcesText } from '../planning/kept-probe.ts'
import type { RunContext } from './prepare.ts'
import type { Workspace } from './workspace.ts'

/** More ranges than these cost more to keep than to find. */
export const MOST_RANGES = 20_000

/** Writes one row for each set of sources in which something is missing. @throws BackfillError `server` */
export async function keepFound(
  workspace: Workspace,
  { runs, partsBefore }: Pick<RunContext, 'runs' | 'partsBefore'>,
): Promise<void> {
  // Why blocks wait for an absent source is said by who looks for it.
  const finders = [...runs.values()].filter(
    ({ absent, sourceGaps, incomplete, tableStatus: { table } }) =>
      absent.size === 0 && sourceGaps.length + incomplete.length > 0 && table.sources.length > 0,
  )
  const parts = finders.length === 0 ? undefined : await partsBefore()
  if (parts === undefined) return
  const sets = Map.groupBy(finders, ({ tableStatus: { table } }) => sourcesText(workspace, table))
  const found = [...sets].map(([sources, same]) => ({
    sources,
    sourceGaps: blockSet(same.flatMap((run) => run.sourceGaps)),
    incomplete: blockSet(same.flatMap((run) => run.incomplete)),
    parts: parts.filter(({ source }) => same[0]!.tableStatus.table.sources.includes(source)),
  }))
  const small = found.filter(
    ({ sourceGaps, incomplete }) => sourceGaps.length + incomplete.length <= MOST_RANGES,
  )
  if (small.length > 0) await workspace.ports.probes.keep(small)
}
