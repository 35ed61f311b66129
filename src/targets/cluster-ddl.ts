// Owns which statements create a table on all shards of a cluster, and what a person does where none can.
import type { Cluster, Names, Server } from '../clickhouse/server.ts'
import { usageError } from '../model/errors.ts'
import type { TableDefinition } from '../model/model.ts'

/** @throws BackfillError `usage` if a table cannot be created on all shards */
export function clusterDdl({ name, keeper }: Cluster, { target, ddl, clusterDdl: found }: TableDefinition) {
  if (!keeper)
    throw usageError(
      `the table ${target} does not exist, and the cluster '${name}' has no ON CLUSTER to create it with (it has no Keeper)`,
      'create it by hand, a local table on each server and a Distributed one over them: docs/how-to/clusters.md',
    )
  // The file of a source table, which `import` fills, takes no shard: whoever owns the sources decides where their rows are.
  if (found.length === 0 && ddl.text.includes('{source:Identifier}'))
    throw usageError(
      `the source table ${target} does not exist, and on the cluster '${name}' none is created`,
      `create it by hand with the columns and the engine of ${ddl.file}, a local table on each server and a Distributed one over them: docs/how-to/clusters.md`,
    )
  if (found.length === 0)
    throw usageError(
      `${ddl.file} says no '--! shard', without which the table cannot be created on a cluster`,
      `write which shard a row belongs to above it, such as --! shard: cityHash64(address): docs/how-to/clusters.md`,
    )
  return found
}

/** Where locks are in Keeper: without a cluster's name, tables would be made on one node, under locks that no other node sees. @throws BackfillError `usage` */
export function assertNamed({ cluster }: Pick<Server, 'cluster'>, { locks }: Pick<Names, 'locks'>): void {
  if (cluster !== undefined) return
  throw usageError(
    `the locks in the database ${locks} are those of a cluster, and no cluster is named: tables would be created on this server alone`,
    'Name the cluster with --cluster or BACKFILL_CLUSTER, or another ledger with --ledger-database',
  )
}
