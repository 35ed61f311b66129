// Owns asking for what `status --format prometheus` prints.
import type { PerUnit } from '../../model/model.ts'
import { openAges } from '../../sources/ages.ts'
import type { Session } from '../../workspace/open.ts'
import { toolVersion } from '../../workspace/tool-version.ts'
import { metricsLines, type LastRun } from './metrics.ts'
import { status } from './status.ts'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { LedgerPlace } from '../../ledger/events.ts'
import { PROGRAM_SQL } from '../../package-folder.ts'

export async function metricsOf({ workspace, connected }: Session, lag: PerUnit): Promise<readonly string[]> {
  const network = workspace.network.name
  const sources = [...new Set(workspace.chosen.flatMap((table) => table.sources))]
  const [report, extents] = await Promise.all([
    status(workspace, { lag }),
    workspace.ports.source.extents(sources),
  ])
  const blocks = new Map([...extents].map(([source, { to }]) => [source, to]))
  const ages = await openAges(connected.sources).newest(blocks)
  const newest = [...blocks].map(([source, block]) => ({ source, block, age: ages.get(source) }))
  const present = report.tables.flatMap(({ table, targetUuid }) =>
    targetUuid === null ? [] : [[table, targetUuid] as const],
  )
  const held = report.tables.flatMap(({ table, lock }) =>
    lock === null ? [] : [[table, lock.epoch] as const],
  )
  const runs =
    (await workspace.ports.target.ledgerState()) === 'absent'
      ? []
      : await readLastRuns(
          { server: connected.target, names: connected.names, network },
          { present: new Map(present), held: new Map(held) },
        )
  return metricsLines({ report, runs, newest, version: toolVersion() })
}

/** `present`: table key -> UUID of the existing table; `held`: table key -> lock epoch, while a run holds it. */
export async function readLastRuns(
  { server, names, network }: LedgerPlace,
  params: { readonly present: ReadonlyMap<string, string>; readonly held: ReadonlyMap<string, number> },
): Promise<readonly LastRun[]> {
  const query = await readFile(join(PROGRAM_SQL, 'log', 'last-runs.sql'), 'utf8')
  const query_params = { ledger: names.ledger, network, ...params }
  return await server.client.rows<LastRun>({ query, query_params, doing: 'reading the ledger' })
}
