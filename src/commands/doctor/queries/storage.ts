// Owns what doctor finds out about the target's disks, parts, mutations and merges, of the derived tables and the ledger.
import type { Disk } from '../checks/storage.ts'
import type { Mutation, Partition, PartLimits, StorageFacts } from '../checks/storage.ts'
import { ask, mapped } from './question.ts'
import type { Names } from '../../../clickhouse/own-databases.ts'
import type { Server } from '../../../clickhouse/server.ts'

/** Ours, of any system table with these columns; on a cluster the rows are in tables of other names (<table>_local). */
const OURS = `(database = {target:String} AND has({tables:Array(String)}, replaceRegexpOne(table, '_local$', ''))
  OR database = {ledger:String} AND table IN ('ledger', 'sql_versions'))`

export type StorageQuestion = {
  readonly server: Server
  readonly names: Names
  readonly tables: readonly string[]
  /** All its servers are asked. */
  readonly cluster: string | undefined
}

export async function readStorage({
  server,
  names,
  tables,
  cluster,
}: StorageQuestion): Promise<StorageFacts> {
  const params = { target: server.connection.database, ledger: names.ledger, tables, cluster: cluster ?? '' }
  const of = (table: string) =>
    cluster === undefined ? `system.${table}` : `clusterAllReplicas({cluster:String}, system.${table})`
  const host = cluster === undefined ? `''` : `concat(hostName(), ':', toString(tcpPort()))`
  const [disks, partitions, mutations, merging, limits] = await Promise.all([
    // Only disks that hold our parts; before there are any, the one that tables go to by default.
    // All columns: older servers lack some.
    ask<Record<'host' | 'name' | 'unreserved_space' | 'total_space' | 'is_broken', string>>(
      server,
      `SELECT *, ${host} AS host FROM ${of('disks')}
      WHERE NOT is_remote AND (name = 'default' OR name IN (SELECT disk_name FROM system.parts WHERE active AND ${OURS}))`,
      params,
    ),
    ask<Record<keyof Partition, string>>(
      server,
      `SELECT ${host} AS host, database, table, partition_id AS partitionId, count() AS parts, sum(bytes_on_disk) AS bytes,
        countIf(level = 0) AS unmerged, dateDiff('second', maxIf(modification_time, level = 0), now()) AS quietSeconds
      FROM ${of('parts')} WHERE active AND ${OURS} GROUP BY host, database, table, partition_id`,
      params,
    ),
    ask<Record<keyof Mutation, string>>(
      server,
      `SELECT ${host} AS host, database, table, mutation_id AS id, dateDiff('second', create_time, now()) AS seconds,
        substring(splitByChar('\\n', latest_fail_reason)[1], 1, 200) AS failure
      FROM ${of('mutations')} WHERE NOT is_done AND NOT is_killed AND ${OURS} ORDER BY create_time`,
      params,
    ),
    ask<{ place: string }>(
      server,
      `SELECT DISTINCT ${host} AS host, ${placeOf('table')} FROM ${of('merges')} WHERE ${OURS}`,
      params,
    ),
    ask<{ place: string; delay: string; refuse: string }>(
      server,
      `SELECT ${host} AS host, ${placeOf('name')},
        ${['delay', 'throw']
          .map(
            (what) => `coalesce(toUInt64OrNull(extract(engine_full, 'parts_to_${what}_insert = (\\\\d+)')),
          (SELECT toUInt64(value) FROM system.merge_tree_settings WHERE name = 'parts_to_${what}_insert'))
          AS ${what === 'delay' ? what : 'refuse'}`,
          )
          .join(', ')}
      FROM ${of('tables')} WHERE ${OURS.replaceAll(/\btable\b/g, 'name')}`,
      params,
    ),
  ])
  return {
    disks: mapped(disks, (rows) =>
      rows.map((row): Disk => ({
        name: row.host === '' ? row.name : `${row.name} on ${row.host}`,
        free: Number(row.unreserved_space),
        total: Number(row.total_space),
        broken: Number(row.is_broken ?? 0) !== 0,
      })),
    ),
    partitions: mapped(partitions, (rows) =>
      rows.map((row) => ({
        ...row,
        parts: Number(row.parts),
        bytes: Number(row.bytes),
        unmerged: Number(row.unmerged),
        quietSeconds: Number(row.quietSeconds),
      })),
    ),
    mutations: mapped(mutations, (rows) => rows.map((row) => ({ ...row, seconds: Number(row.seconds) }))),
    merging: mapped(merging, (rows) => rows.map(({ place }) => place)),
    limits: mapped(
      limits,
      (rows): ReadonlyMap<string, PartLimits> =>
        new Map(
          rows.map(({ place, delay, refuse }) => [place, { delay: Number(delay), refuse: Number(refuse) }]),
        ),
    ),
  }
}

/** As pure/doctor-storage.ts names a table. */
function placeOf(name: 'table' | 'name'): string {
  return `concat(database, '.', ${name}, if(host = '', '', concat(' on ', host))) AS place`
}
