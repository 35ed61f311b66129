// Owns part f: commands that find nothing to do, over a ledger as long as mainnet makes it; start of Node included.
import { uniqueDatabase } from '../../test/support/server.ts'
import { openTestWorkspace } from '../../test/support/workspace.ts'
import { backfill } from '../support/backfill.ts'
import { NETWORK } from '../support/chain.ts'
import { checkpointAll, fillLedger } from '../support/full-ledger.ts'
import { alternate, median } from '../support/measure.ts'
import type { Bench, Report } from '../support/report.ts'
import { dropPlace } from '../support/statements.ts'

/** Such commands are short: the median of a few runs would be that of a few hiccups. */
const RUNS_EACH = 3

export async function idle({ server, runs, events }: Bench): Promise<Report> {
  const workspace = await openTestWorkspace({
    server,
    source: uniqueDatabase('bench_source'),
    network: NETWORK,
  })
  try {
    await checkpointAll(workspace, await fillLedger(server, workspace, events))
    const run = (...words: string[]) => backfill({ on: server, place: workspace, words, sampleMs: 10 })
    const commands = {
      version: ['--version'],
      up: ['up'],
      'status --check': ['status', '--check'],
      plan: ['plan'],
      log: ['log'],
      'log of a table': ['log', 'address_diffs'],
      'report --output -': ['report', '--output', '-'],
    }
    for (const words of Object.values(commands)) await run(...words) // warms caches up; not counted
    const works = Object.entries(commands).map(([name, words]) => [name, () => run(...words)] as const)
    const found = await alternate(runs * RUNS_EACH, Object.fromEntries(works))
    return {
      title: `Nothing to do, ${events} events in the ledger, medians of ${runs * RUNS_EACH}`,
      columns: ['command', 'ms', 'peak MB'],
      rows: Object.entries(found).map(([name, times]) => [
        name,
        Math.round(median(times.map(({ elapsedMs }) => elapsedMs))),
        Math.round(median(times.map(({ rssBytes }) => Math.max(...rssBytes))) / 1e6),
      ]),
    }
  } finally {
    await workspace.close()
    await dropPlace(server, workspace)
    await dropPlace(server, { ...workspace, target: workspace.source })
  }
}
