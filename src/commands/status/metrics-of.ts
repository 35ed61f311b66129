// Owns asking for what `status --format prometheus` prints.
import { highestPosition } from '../../planning/highest-position.ts'
import { askLedger } from '../../ledger/ask.ts'
import { readRunEnds } from '../../ledger/run-reports.ts'
import type { PerUnit } from '../../model/model.ts'
import { openAges } from '../../sources/ages.ts'
import { isWorking } from '../../lock/watch.ts'
import type { Context } from '../../session/session.ts'
import { type Connections, openWorkspaceOn, type Session } from '../../workspace/open.ts'
import { toolVersion } from '../../package-folder.ts'
import { selectors } from '../../workspace/values.ts'
import { presentUuids, status } from './status.ts'
import { metricsLines, type NetworkMetrics, type LastRun } from './metrics.ts'

/** The lines, of all networks that are asked for. @throws BackfillError `usage`, `server` */
export async function readMetrics(context: Context, connections: Connections): Promise<readonly string[]> {
  const { each = [context], flags } = context
  const networks: NetworkMetrics[] = []
  for (const { config } of each)
    networks.push(
      await openWorkspaceOn(connections, config, selectors(flags), (session) =>
        metricsOf(session, config.lag.value),
      ),
    )
  return metricsLines(networks, toolVersion())
}

async function metricsOf(session: Session, lag: PerUnit): Promise<NetworkMetrics> {
  const { workspace, connected } = session
  const sources = [...new Set(workspace.chosen.flatMap((table) => table.sources))]
  const [report, extents] = await Promise.all([
    status(workspace, { lag }),
    workspace.ports.source.extents(sources, (source) => highestPosition(workspace.chosen, source)),
  ])
  const blocks = new Map([...extents].map(([source, { to }]) => [source, to]))
  const ages = await openAges(connected.sources).newest(blocks)
  const newest = [...blocks].map(([source, block]) => ({ source, block, age: ages.get(source) }))
  const held = report.tables.flatMap(({ table, lock }) =>
    lock === null || !isWorking(lock) ? [] : [[table, lock.epoch] as const],
  )
  const runs = await lastRuns(session, { present: presentUuids(report.tables), held: new Map(held) })
  return { report, runs, newest }
}

async function lastRuns(
  { workspace, connected: { place } }: Session,
  params: Readonly<Record<string, unknown>>,
): Promise<readonly LastRun[]> {
  if ((await workspace.ports.target.ledgerState()) === 'absent') return []
  const runs = await askLedger<LastRun & { readonly run_id: string }>(place, 'log/last-runs', params)
  const ids = [...new Set(runs.map((run) => run.run_id))]
  const ends = ids.length === 0 ? [] : await readRunEnds(place, { table: '', limit: ids.length, runs: ids })
  return runs.map((run) => {
    const end = run.outcome === 'done' ? ends.find((one) => one.run_id === run.run_id) : undefined
    return { ...run, outcome: end?.says ?? run.outcome }
  })
}
