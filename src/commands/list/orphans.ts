// Owns `list --orphans`: tables that the ledger knows and no SQL folder has. Reads only.
import type { TableDefinition } from '../../model/model.ts'
import type { Context } from '../../session/command.ts'
import { withTarget } from '../../session/target.ts'
import { openTarget } from '../../targets/target.ts'

/** `table`: its key; `target`: the database and name of its latest table, null if that is gone; times are of the ledger. */
export type Orphan = {
  readonly table: string
  readonly target: string | null
  readonly events: number
  readonly last_event: string
}

/** The network's tables in the ledger that are not `known`; none without a ledger. @throws BackfillError `server` */
export async function readOrphans(
  context: Context,
  known: readonly TableDefinition[],
): Promise<readonly Orphan[]> {
  return await withTarget(context, async ({ server, names, network }) => {
    if ((await openTarget({ server, names }).ledgerState()) === 'absent') return []
    return await server.client.rows<Orphan>({
      // A key with a hyphen is an import's.
      query: `SELECT table_key AS table, nullIf(any(name), '') AS target, sum(number) AS events,
          formatDateTime(max(last), '%FT%TZ', 'UTC') AS last_event
        FROM (
          SELECT table_key, argMax(target_uuid, (epoch, seq)) AS uuid, toUInt32(count()) AS number, max(event_time) AS last
          FROM {ledger:Identifier}.ledger
          WHERE network = {network:String} AND position(table_key, '-') = 0 AND NOT has({known:Array(String)}, table_key)
          GROUP BY table_key
        ) AS events LEFT JOIN (SELECT uuid, concat(database, '.', name) AS name FROM system.tables) AS tables USING uuid
        GROUP BY table ORDER BY table`,
      query_params: { ledger: names.ledger, network, known: known.map(({ key }) => key) },
      doing: 'reading the ledger',
    })
  })
}
