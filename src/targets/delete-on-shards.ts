// Owns deleting ranges on all shards of a cluster: on the local tables, with literals, fenced; or the reason why not.
import type { ClickHouseSettings } from '@clickhouse/client'
import { BackfillError } from '../model/errors.ts'
import type { Range } from '../model/blocks.ts'
import type { TableDefinition } from '../model/model.ts'
import type { CleanJob } from './target-port.ts'
import { quoteString } from '../sql-syntax/quoting.ts'
import { formatBlockSet } from '../model/blocks.ts'
import { onCluster } from '../clickhouse/cluster/cluster.ts'
import { quoteIdentifier } from '../clickhouse/dialect.ts'
import { literalFence } from '../lock/fence.ts'
import type { Names } from '../clickhouse/own-databases.ts'
import type { Server } from '../clickhouse/server.ts'
import { localOf } from '../clickhouse/cluster/shard-tables.ts'

/** `network`: only rows of this network, if the table holds several. */
export type DeletionJob = CleanJob & { readonly network: string | undefined }

export type Deletion = {
  readonly query: string
  readonly query_params?: Record<string, unknown>
  readonly clickhouse_settings?: ClickHouseSettings
}

/** On the local tables, because a Distributed table cannot delete. ON CLUSTER takes no parameters, so blocks are literals. */
export async function deletionOnShards(
  server: Server,
  names: Names,
  { table, ranges, lock, network }: DeletionJob,
): Promise<Deletion> {
  const local = await localName(server, table)
  const rows =
    network === undefined
      ? blocksIn(ranges)
      : `meta_network_name = ${quoteString(network)} AND ${blocksIn(ranges)}`
  const why = noDeletes(server)
  if (why !== undefined)
    throw new BackfillError(
      `half-written blocks ${formatBlockSet(ranges)} of ${table.key} have to be deleted first, and ${why}`,
      {
        kind: 'failed',
        hint: `On each server: DELETE FROM ${local} WHERE ${rows}; then run backfill up again`,
      },
    )
  return {
    query: `DELETE FROM ${local}${onCluster(server)} WHERE ${rows}
      AND ${literalFence({ lockName: lock.name, names })}`,
    // Every node evaluates the fence itself, and all nodes see the same rows of Keeper.
    clickhouse_settings: { allow_nondeterministic_mutations: 1, distributed_ddl_output_mode: 'throw' },
  }
}

/** Why rows cannot be deleted, as the end of a sentence; undefined if they can. */
export function noDeletes({ cluster }: Server): string | undefined {
  return cluster === undefined || cluster.keeper
    ? undefined
    : `the cluster '${cluster.name}' has no ON CLUSTER to delete rows on all shards with (it has no Keeper)`
}

async function localName(server: Server, table: TableDefinition): Promise<string> {
  const local = await localOf(server, table)
  return `${quoteIdentifier(local.database)}.${quoteIdentifier(local.table)}`
}

function blocksIn(ranges: readonly Range[]): string {
  const each = ranges.map(({ from, to }) => `block_number BETWEEN ${from} AND ${to}`)
  const [one = 'false', ...others] = each
  if (others.length === 0) return one
  return `block_number BETWEEN ${Math.min(...ranges.map(({ from }) => from))} AND ${Math.max(...ranges.map(({ to }) => to))} AND (${each.join(' OR ')})`
}
