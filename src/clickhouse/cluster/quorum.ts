// Owns when a write counts: when every replica has it. A profile that keeps another quorum, on any node, would let it count sooner.
import type { ClickHouseSettings } from '@clickhouse/client'
import { type BackfillError, usageError } from '../../model/errors.ts'
import type { Cluster, Server } from '../server.ts'
import { refusesSettings } from '../settings-limits.ts'
import { ANSWERING } from './replicas.ts'

/** A write is acknowledged when this many replicas have it: then every replica gives the same answer. */
export function acknowledgedBy(replicas: number): ClickHouseSettings {
  return replicas < 2
    ? {}
    : {
        [QUORUM]: String(replicas),
        insert_quorum_parallel: 1,
        insert_quorum_timeout: 60_000,
      }
}

const QUORUM = 'insert_quorum'

/**
 * Of the first profile that keeps another quorum than that of the ledger, the highest; nodes clamp what is sent to them by others without a word.
 * @throws BackfillError `usage` if the connected node refuses what is sent
 */
export async function keptQuorum(
  { client, connection, limits }: Server,
  { name, nodes, places }: Pick<Cluster, 'name' | 'nodes' | 'places'>,
): Promise<BackfillError | undefined> {
  const wanted = acknowledgedBy(nodes.length)
  // Who may only read writes nothing.
  if (wanted[QUORUM] === undefined || limits?.readonly === '1') return undefined
  const kept = (where: string, value?: string) =>
    usageError(
      `the profile of user '${connection.username}' on ${where} keeps ${value === undefined ? `another ${QUORUM}` : `${QUORUM} = ${value}`}, in place of the ${wanted[QUORUM]} that is sent: a write would count before all replicas have it`,
      `Take the constraint of ${QUORUM}, or readonly, out of the profile, on all nodes`,
    )
  const [denied] = limits?.denied({ [QUORUM]: wanted[QUORUM] }) ?? []
  if (denied !== undefined) return kept(`target ${connection.url}`, denied.holds)
  const found = await client
    .rows<{ node: number; value: string }>({
      query: `SELECT _shard_num AS node, value FROM clusterAllReplicas({name:String}, view(SELECT value FROM system.settings WHERE name = '${QUORUM}'))`,
      query_params: { name },
      clickhouse_settings: { ...ANSWERING, [QUORUM]: wanted[QUORUM] },
      doing: 'asking all nodes of the cluster for their quorum',
    })
    .catch((error: unknown) => {
      throw refusesSettings((error as Error).cause) ? kept(`target ${connection.url}`) : error
    })
  const other = found.find(({ value }) => value !== wanted[QUORUM])
  return other && kept(places[other.node - 1]!, other.value)
}
