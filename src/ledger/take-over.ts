// Owns taking over what the ledger knows of an earlier table.
import { compiledFence } from '../lock/fence.ts'
import type { Lock } from '../lock/lock.ts'
import { type InputTable, versionName } from './built-from.ts'
import type { LedgerPlace } from './events.ts'

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
