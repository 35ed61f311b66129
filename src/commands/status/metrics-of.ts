// Owns asking for what `status --format prometheus` prints.
import { askLedger } from '../../ledger/ask.ts'
import type { PerUnit } from '../../model/model.ts'
import { openAges } from '../../sources/ages.ts'
import type { Session } from '../../workspace/open.ts'
import { toolVersion } from '../../workspace/tool-version.ts'
import { metricsLines, type LastRun } from './metrics.ts'
import { presentUuids, status } from './status.ts'

export async function metricsOf({ workspace, connected }: Session, lag: PerUnit): Promise<readonly string[]> {
  const sources = [...new Set(workspace.chosen.flatMap((table) => table.sources))]
  const [report, extents] = await Promise.all([
    status(workspace, { lag }),
    workspace.ports.source.extents(sources),
  ])
  const blocks = new Map([...extents].map(([source, { to }]) => [source, to]))
  const ages = await openAges(connected.sources).newest(blocks)
  const newest = [...blocks].map(([source, block]) => ({ source, block, age: ages.get(source) }))
  const held = report.tables.flatMap(({ table, lock }) =>
    lock === null ? [] : [[table, lock.epoch] as const],
  )
  const runs =
    (await workspace.ports.target.ledgerState()) === 'absent'
      ? []
      : await askLedger<LastRun>(connected.place, 'log/last-runs', {
          present: presentUuids(report.tables),
          held: new Map(held),
        })
  return metricsLines({ report, runs, newest, version: toolVersion() })
}
