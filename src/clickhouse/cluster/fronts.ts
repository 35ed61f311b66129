// Owns the Distributed tables over local tables: whose they are after a rebuild, and which others read them.
import { failedError } from '../../model/errors.ts'
import type { TableDefinition } from '../../model/model.ts'
import { type Distributed, distributedEngine } from '../../sql-syntax/ddl-clauses.ts'
import { quotedName, quoteString } from '../../sql-syntax/quoting.ts'
import type { Server } from '../server.ts'
import { onAllNodes } from './cluster.ts'
import { localBehind } from './shard-tables.ts'

const drop = (...place: readonly string[]) => `DROP TABLE ${place.map(quotedName).join('.')}`

/** What a person types before `up` builds a table from nothing: on a cluster the rows are in the local tables of all nodes. */
export async function dropOf(server: Server, name: string): Promise<string> {
  const { cluster, connection } = server
  const own = drop(connection.database, name)
  const local = cluster && (await localBehind(server, name))
  if (cluster === undefined || local === undefined) return own
  // It may be gone already.
  const ofLocal = drop(local.database, local.table).replace('TABLE', 'TABLE IF EXISTS')
  const everywhere = `ON CLUSTER ${quoteString(cluster.name)} SYNC`
  return cluster.keeper
    ? `${own} ${everywhere}; ${ofLocal} ${everywhere}`
    : `${ofLocal} SYNC on each server, and create it there again (docs/how-to/clusters.md)`
}

/** Distributed tables of all nodes. */
async function distributedTables(
  server: Server,
  where: string,
  query_params: Readonly<Record<string, string>>,
) {
  const rows = await server.client.rows<
    Readonly<Record<'database' | 'name' | 'full', string>> & { readonly node: number }
  >({
    query: `SELECT _shard_num AS node, database, name, engine_full AS full FROM ${onAllNodes(server, 'system.tables')}
      WHERE engine = 'Distributed' AND ${where} ORDER BY length(name), node`,
    query_params,
    doing: 'looking for Distributed tables on all nodes',
  })
  return rows.map((row) => ({ ...row, of: distributedEngine(row.full)! }))
}

/**
 * A rebuild leaves local tables of another name to the table, and those of before to the old one. A Distributed table that is made anew must be over
 * neither of the wrong ones. @throws BackfillError `failed` with what to type
 */
export async function assertNoOtherFront(
  server: Server,
  { target, clusterDdl }: Pick<TableDefinition, 'target' | 'clusterDdl'>,
): Promise<void> {
  const { cluster, connection } = server
  if (cluster === undefined) return
  const { database } = connection
  await assertNoPlain(server, target)
  // What a rebuild names: others may read the local tables as well.
  const like = `database = {database:String} AND startsWith(name, {target:String})
    AND match(substring(name, length({target:String}) + 1), '^(__(old|rebuild)_[0-9a-f]{8}.*)?$')`
  for (const { node, name, full, of } of await distributedTables(server, like, { database, target })) {
    const isOwnLocal = of.database === database && of.table === `${target}_local`
    const [front, local] = [
      [database, name],
      [of.database, of.table],
    ].map((one) => one.map(quotedName).join('.'))
    if (name === target && !isOwnLocal) {
      // It may have gone with the whole database.
      const [found] = await existing(server, of)
      const first = found === undefined ? `what SHOW CREATE TABLE ${local} says there, then ` : ''
      throw failedError(
        `${front} is missing on this node, and on ${cluster.places[node - 1]} it is ${full}`,
        `Type ${first}CREATE TABLE ${front} AS ${local} ENGINE = ${full} on this node, and run backfill up again`,
      )
    }
    if (name !== target && isOwnLocal)
      throw failedError(
        `${database}.${target} does not exist, and ${local} belongs to ${front}, which a rebuild has replaced`,
        `Type ${await dropOf(server, name)}, and run backfill up again: it builds all blocks`,
      )
  }
  await assertNoneLeft(server, target, clusterDdl)
}

/** CREATE … IF NOT EXISTS would pass over a node that has another table of this name, whose readers would see that one. */
async function assertNoPlain({ client, connection: { database }, cluster }: Server, target: string) {
  const [plain] = await client.rows<{ readonly node: number; readonly engine: string }>({
    query: `SELECT _shard_num AS node, engine FROM ${onAllNodes({ cluster }, 'system.tables')}
      WHERE database = {database:String} AND name = {target:String} AND engine != 'Distributed' ORDER BY node LIMIT 1`,
    query_params: { database, target },
    doing: `looking for ${database}.${target} on all nodes`,
  })
  if (plain === undefined) return
  const [name, place] = [[database, target].map(quotedName).join('.'), cluster!.places[plain.node - 1]]
  throw failedError(
    `${name} is a ${plain.engine} on ${place}, and is missing on this node`,
    `Type DROP TABLE ${name} SYNC there, if nobody needs its rows, and run backfill up again`,
  )
}

/** The rows of a rebuilt table are there, and only what reads them is gone: they would be computed again, and stay beside for ever. */
async function assertNoneLeft(
  server: Server,
  target: string,
  clusterDdl: TableDefinition['clusterDdl'],
): Promise<void> {
  const { client, connection, cluster } = server
  const { database } = connection
  const locals = await client.rows<{ readonly name: string }>({
    query: `SELECT DISTINCT name FROM ${onAllNodes(server, 'system.tables')}
      WHERE database = {database:String} AND startsWith(name, {target:String}) AND total_rows > 0
        AND match(substring(name, length({target:String}) + 1), '^__rebuild_[0-9a-f]{8}.*_local$') ORDER BY name`,
    query_params: { database, target },
    doing: 'looking for local tables of a rebuild',
  })
  for (const { name } of locals) {
    const readers = await distributedTables(server, 'position(engine_full, {name:String}) > 0', { name })
    const [, key] =
      /Distributed\('\{cluster\}', .*_local', (.*)\)$/m.exec(clusterDdl.at(-1)?.text ?? '') ?? []
    if (readers.length > 0 || key === undefined) continue
    const [own, local] = [target, name].map((one) => [database, one].map(quotedName).join('.'))
    const everywhere = `ON CLUSTER ${quoteString(cluster!.name)}`
    throw failedError(
      `${own} does not exist, and no Distributed table reads ${local}, which a rebuild of it has filled`,
      `Type CREATE TABLE ${own} ${everywhere} AS ${local} ENGINE = Distributed('{cluster}', ${quoteString(database)}, ${quoteString(name)}, ${key}), or, to build all blocks again, DROP TABLE ${local} ${everywhere} SYNC; then run backfill up again`,
    )
  }
}

/** Whether another Distributed table, of any node, reads the local tables of this one: their rows would be lost for it. */
export async function isLocalShared(server: Server, name: string): Promise<boolean> {
  const { database } = server.connection
  const own = await localBehind(server, name)
  if (own === undefined) return false
  const all = await distributedTables(server, 'position(engine_full, {local:String}) > 0', {
    local: own.table,
  })
  return all.some(
    (one) =>
      (one.database !== database || one.name !== name) &&
      one.of.database === own.database &&
      one.of.table === own.table,
  )
}

async function existing({ client }: Server, { database, table }: Distributed) {
  return await client.rows<{ readonly name: string }>({
    query: 'SELECT name FROM system.tables WHERE database = {database:String} AND name = {table:String}',
    query_params: { database, table },
    doing: `looking for ${database}.${table}`,
  })
}
