// Owns what the ledger says about whose a table is: one network's, this ledger's, or one that has taken an earlier table's place.
import { sql } from 'kysely'
import { typed } from '../clickhouse/dialect.ts'
import { unlessMissing } from '../clickhouse/server-error.ts'
import { usageError } from '../model/errors.ts'
import { isImportKey } from '../model/model.ts'
import type { LedgerPlace } from './events.ts'
import { tableEvents } from './fold.ts'
import { compiledFence } from '../lock/fence.ts'
import type { Lock } from '../lock/lock.ts'
import { type InputTable, versionName } from './built-from.ts'

/**
 * The tables of `import` are left out: a source table holds several networks.
 * @throws BackfillError `usage` if another network has events under one of the UUIDs (table key -> UUID)
 */
export async function assertOwnNetwork(
  { server, names, network }: LedgerPlace,
  uuids: ReadonlyMap<string, string>,
): Promise<void> {
  const derived = [...uuids].filter(([key]) => !isImportKey(key))
  if (derived.length === 0) return
  const found = await server
    .during('reading the ledger')
    .withSchema(names.ledger)
    .selectFrom('ledger')
    .select(['network', sql<string>`toString(target_uuid)`.as('uuid')])
    .where('network', '!=', network)
    .where(
      sql<boolean>`has(${typed(
        derived.map(([, uuid]) => uuid),
        'Array(UUID)',
      )}, target_uuid)`,
    )
    .limit(1)
    .executeTakeFirst()
  if (found === undefined) return
  const [key] = derived.find(([, uuid]) => uuid === found.uuid)!
  throw usageError(
    `the table of ${key} in the database ${server.connection.database} holds blocks of the network '${found.network}'; blocks of '${network}' would replace them`,
    `set TARGET_CLICKHOUSE_DATABASE to another database for '${network}', or --network ${found.network}`,
  )
}

/** All functions throw BackfillError `server`. */
export function ledgerOwnership(place: LedgerPlace) {
  const { server, names, network } = place
  const db = server.during('reading the ledger').withSchema(names.ledger)
  return {
    assertOwnNetwork: (uuids: ReadonlyMap<string, string>) => assertOwnNetwork(place, uuids),

    /**
     * What the `done` events of a target say: rows written (rewritten rows count again), and the last block; blocks that
     * `--to` has forced are left out there.
     */
    async written(key: string, targetUuid: string) {
      const row = await tableEvents(db, network, key, targetUuid)
        .select(({ fn }) => fn.sum<number>('rows_written').as('rows'))
        .select(sql<number>`maxIf(range_to, NOT forced)`.as('last'))
        .where('event', '=', 'done')
        .executeTakeFirstOrThrow()
      return { rowsWritten: row.rows, lastDone: row.last }
    },

    /** The UUID of an earlier table of this key with the latest events, and their time; undefined if there is none. */
    async earlier(key: string, targetUuid: string) {
      return await db
        .selectFrom('ledger')
        .select([
          sql<string>`toString(target_uuid)`.as('uuid'),
          sql<string>`formatDateTime(max(event_time), '%Y-%m-%dT%H:%i:%SZ')`.as('at'),
        ])
        .where('network', '=', network)
        .where('table_key', '=', key)
        .where('target_uuid', '!=', targetUuid)
        .groupBy('target_uuid')
        .orderBy(sql`max(event_time)`, 'desc')
        .limit(1)
        .executeTakeFirst()
        .catch(unlessMissing(undefined))
    },
  }
}

/**
 * Copies its events at their positions, so that what dependants have recorded stays true; versions of inputs that were taken over are renamed.
 * A million events are written together or not at all. @throws BackfillError `locked`, `server`
 */
export async function takeOver(
  { server, names, network }: LedgerPlace,
  lock: Lock,
  uuids: { readonly from: string; readonly to: string },
  inputs: readonly Pick<InputTable, 'key' | 'uuid'>[],
): Promise<void> {
  const fenced = compiledFence(server.db, { lockName: lock.name, names })
  const place = { ledger: names.ledger, network }
  const renamed = await Promise.all(
    inputs.map(async ({ key, uuid }) => {
      const earlier = await server.client.rows<{ uuid: string }>({
        query: `SELECT DISTINCT toString(target_uuid) AS uuid FROM {ledger:Identifier}.ledger
          WHERE network = {network:String} AND table_key = {key:String} AND target_uuid != toUUID({uuid:String})
            AND (epoch, seq) IN (SELECT epoch, seq FROM {ledger:Identifier}.ledger
              WHERE network = {network:String} AND table_key = {key:String} AND target_uuid = toUUID({uuid:String}))`,
        query_params: { ...place, key, uuid },
        doing: `looking for earlier tables of ${key} in the ledger`,
      })
      return earlier.map((one) => [versionName(key, one.uuid), versionName(key, uuid)] as const)
    }),
  )
  // Within: beside REPLACE, the name in WHERE would mean the new value. Checkpoints hold the earlier names of inputs.
  await server.client.command({
    query: `INSERT INTO {ledger:Identifier}.ledger
      SELECT * REPLACE (toUUID({to_uuid:String}) AS target_uuid,
        arrayFold((text, pair) -> replaceAll(text, pair.1, pair.2), arrayZip({earlier:Array(String)}, {present:Array(String)}), inputs) AS inputs)
      FROM (
        SELECT * FROM {ledger:Identifier}.ledger
        WHERE network = {network:String} AND table_key = {key:String} AND target_uuid = toUUID({from_uuid:String})
          AND event != 'checkpoint' AND ${fenced.text}
      )`,
    query_params: {
      ...fenced.params,
      ...place,
      key: lock.key,
      from_uuid: uuids.from,
      to_uuid: uuids.to,
      earlier: renamed.flat().map(([name]) => name),
      present: renamed.flat().map(([, name]) => name),
    },
    clickhouse_settings: WHOLE,
    doing: `recording what the ledger knows of an earlier table of ${lock.key}`,
  })
}

/** One block, and so one part. */
const WHOLE = {
  max_threads: 1,
  max_insert_threads: '1',
  max_block_size: '1000000',
  min_insert_block_size_rows: '1000000',
  min_insert_block_size_bytes: '0',
} as const
