// Owns the question how the last run of each table ended (sql/log/last-runs.sql).
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { LedgerPlace } from '../../ledger/events.ts'
import { PROGRAM_SQL } from '../../package-folder.ts'
import type { LastRun } from './metrics.ts'

/** `present`: table key -> UUID of the existing table; `held`: table key -> lock epoch, while a run holds it. */
export async function readLastRuns(
  { server, names, network }: LedgerPlace,
  params: { readonly present: ReadonlyMap<string, string>; readonly held: ReadonlyMap<string, number> },
): Promise<readonly LastRun[]> {
  const query = await readFile(join(PROGRAM_SQL, 'log', 'last-runs.sql'), 'utf8')
  const query_params = { ledger: names.ledger, network, ...params }
  return await server.client.rows<LastRun>({ query, query_params, doing: 'reading the ledger' })
}
