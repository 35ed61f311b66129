// Owns what a run says of its tables before it starts and after it ends.
import { countBlocks, intersect } from './pure/interval.ts'
import type { RunEvent, UpOptions } from './reports.ts'
import { emptiedNote } from './standing.ts'
import type { TableRun } from './table-run.ts'

/** Holes and held blocks, once for all tables that skip the same. */
export function skippedBlocks(runs: ReadonlyMap<string, TableRun>): Extract<RunEvent, { type: 'skipped' }>[] {
  const skipping = [...runs.values()].filter(({ holes, held }) => holes.length > 0 || held.length > 0)
  const alike = Map.groupBy(skipping, ({ holes, held }) => JSON.stringify([holes, held]))
  return [...alike.values()].map((same) => ({
    type: 'skipped',
    tables: same.map(({ key }) => key),
    holes: same[0]!.holes,
    held: same[0]!.held,
  }))
}

/** Says for each table what is about to be done, and where nothing can be. */
export function announce(
  runs: ReadonlyMap<string, TableRun>,
  options: UpOptions,
  report: (event: RunEvent) => void,
): void {
  for (const { key, standing, unsurveyed } of runs.values()) {
    const { bounds, covered } = standing
    const emptied = emptiedNote(standing)
    if (emptied !== undefined) report({ type: 'warning', table: key, text: emptied })
    if (bounds.note !== undefined) {
      report({ type: 'note', table: key, text: bounds.note })
      continue
    }
    const { naturalHead = Infinity } = bounds.inputs
    if (bounds.owed !== undefined && options.to !== undefined && bounds.owed.to > naturalHead)
      report({
        type: 'warning',
        table: key,
        text: `--to ${options.to} is above the head ${naturalHead}: you say that the sources are complete; recorded as forced`,
      })
    const doneBlocks = countBlocks(intersect(covered, bounds.owed === undefined ? [] : [bounds.owed]))
    report({ type: 'table', table: key, missingBlocks: countBlocks(unsurveyed), doneBlocks })
  }
}
