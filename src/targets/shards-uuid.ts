// Owns by which UUID the ledger knows a table of a cluster, which has one for each shard.
import { sql } from 'kysely'
import type { ShardTable } from '../clickhouse/cluster/shard-tables.ts'
import { typed } from '../clickhouse/dialect.ts'
import type { Names, Server } from '../clickhouse/server.ts'
import { unlessMissing } from '../clickhouse/server-error.ts'

/** The UUID under which the ledger knows a table of a cluster. @throws BackfillError `server`, `failed` */
export async function uuidOfShards(
  server: Server,
  names: Names,
  { uuids }: Pick<ShardTable, 'uuids'>,
): Promise<string> {
  return uuids.length > 1 ? await knownUuid(server, names, uuids) : uuids[0]!
}

/** The UUID with the latest events in the ledger; the first UUID if the ledger has none. */
async function knownUuid(server: Server, names: Names, uuids: readonly string[]): Promise<string> {
  const row = await server
    .during('reading the ledger')
    .withSchema(names.ledger)
    .selectFrom('ledger')
    .select(sql<string>`toString(target_uuid)`.as('uuid'))
    .where(sql<boolean>`has(${typed([...uuids], 'Array(UUID)')}, target_uuid)`)
    .orderBy('epoch', 'desc')
    .orderBy('seq', 'desc')
    .limit(1)
    .executeTakeFirst()
    .catch(unlessMissing(undefined))
  return row?.uuid ?? uuids[0]!
}
