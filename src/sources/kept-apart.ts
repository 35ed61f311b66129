// Owns the warning about sources whose rows of one key may be in several tables, of which FINAL merges each by itself; or whose rows
// several servers give again, or only some of them have.
import { misplacedRows } from '../clickhouse/cluster/placement.ts'
import { REPLICATED } from '../clickhouse/cluster/shard-problem.ts'
import { attempt, ignore } from '../model/errors.ts'
import { unlessRefused } from '../clickhouse/server-error.ts'
import type { Server } from '../clickhouse/server.ts'
import type { TableBehind } from '../clickhouse/tables-behind.ts'
import {
  ddlClauses,
  type Distributed,
  distributedEngine,
  shardingProblem,
} from '../sql-syntax/ddl-clauses.ts'
import { quotedName } from '../sql-syntax/quoting.ts'
import { definitionsDiffer } from '../sql-syntax/table-definition.ts'
import { fits } from '../sql-syntax/type-fit.ts'
import { isCollapsing } from '../targets/compared-columns.ts'

/** `name`: as a Distributed table has it. More nodes than shards: a shard has replicas. `slots`: of each remainder of a sharding key, its shard. */
type Shards = {
  readonly name: string
  readonly shards: number
  readonly nodes: number
  readonly slots: readonly number[]
}

type Problem = { readonly sentence: string; readonly hint: string }

/** `all`: of `tablesBehind`. @throws BackfillError `server` */
export async function keptApart(
  server: Server,
  all: readonly TableBehind[],
): Promise<readonly (Problem & { readonly source: string })[]> {
  const clusters = await clustersOf(server, all)
  const found = all.map(async (table) => {
    const { source, database, name, engine } = table
    const [own, front] = [`${server.connection.database}.${source}`, `${database}.${name}`]
    const what = own === front ? `is a ${engine} table` : `reads ${front}, a ${engine} table`
    const known = apartProblems(table, all, clusters)
    const problems = known.length > 0 ? known : await shardsProblems(server, table, all, clusters)
    return problems.map(({ sentence, hint }) => ({
      source,
      sentence: `the source ${own} ${what}, and ${sentence}`,
      hint: `${hint}, write --! view: safe above the CREATE TABLE in sql/source/`,
    }))
  })
  return (await Promise.all(found)).flat()
}

/** Of a table whose sharding key is right, the rows may be elsewhere all the same, for ClickHouse moves none; or the shards may be one. */
async function shardsProblems(
  server: Server,
  table: TableBehind,
  all: readonly TableBehind[],
  clusters: readonly Shards[],
): Promise<readonly Problem[]> {
  const engine = distributedEngine(table.engineFull)
  const { shards = 1, slots } = clusters.find(({ name }) => name === engine?.cluster) ?? {}
  const read = all.filter(({ source }) => source === table.source)
  // What stands on shards only would have to be asked there: each for all.
  if (engine === undefined || slots === undefined || shards < 2 || table.cluster !== '') return []
  const ends = reached(behind(table, read), read)
  const [twice] = await sharedTables(server, engine.cluster, ends).catch(unlessRefused([]))
  if (twice !== undefined) {
    const sentence = `${twice.table} of several of its shards is one table, ${twice.path} in Keeper: each row would count once for each of them`
    return [
      { sentence, hint: 'read a cluster in which its replicas are one shard; if no row is there twice' },
    ]
  }
  if (!ends.some(isCollapsing)) return []
  const misplaced = await misplacedRows(server, engine, { slots }).catch(unlessRefused(0))
  if (misplaced === 0) return []
  const sentence = `rows of it are on other shards than those on which its sharding key puts them now (its shards, their weights or that key have changed): ${TWICE}`
  return [{ sentence, hint: 'write its rows into a new table; if no row is written again' }]
}

/** Replicas of one table that a cluster has as several shards. */
async function sharedTables({ client }: Server, cluster: string, tables: readonly TableBehind[]) {
  return await client.rows<{ readonly table: string; readonly path: string }>({
    query: `SELECT concat(database, '.', table) AS table, zookeeper_path AS path FROM cluster({cluster:String}, system.replicas) AS replicas
      WHERE has({names:Array(Array(String))}, [database, replicas.table])
      GROUP BY table, path HAVING uniqExact(_shard_num) > 1 LIMIT 1`,
    query_params: { cluster, names: tables.map(({ database, name }) => [database, name]) },
    doing: 'looking for replicas of the sources',
  })
}

/** What is wrong with one of the tables that are read for a source. */
export function apartProblems(
  table: TableBehind,
  all: readonly TableBehind[],
  clusters: readonly Omit<Shards, 'slots'>[],
): readonly Problem[] {
  const read = all.filter(({ source }) => source === table.source)
  if (table.variants > 1) {
    const sentence = `it is not the same on all nodes of the cluster '${table.cluster}': which rows are read depends on the node`
    return [{ sentence, hint: 'make it the same on all nodes; if it has the same rows on each' }]
  }
  if (table.engine === 'Merge') {
    // Each may be a front of others. The pattern may match the table itself.
    const branches = behind(table, read).filter(
      (one) => one !== table && reached([one], read).some(isCollapsing),
    )
    const sentence = `FINAL merges rows inside of ${branches.map(({ name }) => name).join(', ')}, not across them: ${TWICE}`
    return branches.length > 1 ? [{ sentence, hint: ONE_TABLE }] : []
  }
  const engine = distributedEngine(table.engineFull)
  if (engine === undefined) return []
  const narrow = behind(table, read).flatMap((local) => narrowProblem(table, local) ?? [])
  if (narrow.length > 0) return narrow.slice(0, 1)
  const { shards, nodes } = clusters.find(({ name }) => name === engine.cluster) ?? { shards: 1, nodes: 1 }
  // A Distributed table is judged by itself.
  const ends = reached(behind(table, read), read, isDistributed)
  return [
    ...(shards > 1 ? acrossShards(engine, shards, ends) : []),
    ...(nodes > shards ? acrossReplicas(ends) : []),
  ]
}

/** ClickHouse converts each value to the type of the Distributed table, without an error. Of a table that the user may not see nothing is said. */
function narrowProblem(front: TableBehind, local: TableBehind): Problem | undefined {
  const found = attempt(ignore, () => definitionsDiffer(front.definition, local.definition)) ?? []
  const odd = found.find(({ rule, here, there }) => rule === 'E072' && !fits(there, here))
  if (odd === undefined || !('column' in odd.place)) return undefined
  return {
    sentence: `its column ${quotedName(odd.place.column)} is ${odd.here}, and ${local.name}, whose rows it reads, has it as ${odd.there}: values are cut off without an error`,
    hint: `type ALTER TABLE ${quotedName(front.database)}.${quotedName(front.name)} MODIFY COLUMN ${quotedName(odd.place.column)} ${odd.there} on each node; if all values fit`,
  }
}

function acrossShards(engine: Distributed, shards: number, ends: readonly TableBehind[]): readonly Problem[] {
  const inner = ends.find(isDistributed)
  if (inner !== undefined)
    return [
      {
        sentence: `each of its ${shards} shards reads all of ${inner.name}, which is Distributed, too: each row would count ${shards} times`,
        hint: 'read the table behind it; if each shard reads other rows',
      },
    ]
  // One that suits a table is taken to be right: others may be look-ups of a view.
  const problems = ends.filter(isCollapsing).map(({ name, definition }) => {
    const sortKey = ddlClauses({ file: name, text: definition, line: 1 }).sortKey?.names ?? []
    return shardingProblem(engine, sortKey)
  })
  const [first] = problems
  if (first === undefined || problems.includes(undefined)) return []
  const sentence = `FINAL merges rows on each of ${shards} shards by itself: ${first}: ${TWICE}`
  return [{ sentence, hint: ONE_TABLE }]
}

function acrossReplicas(ends: readonly TableBehind[]): readonly Problem[] {
  const plain = ends.find(({ engine }) => engine.endsWith('MergeTree') && !REPLICATED.test(engine))
  if (plain === undefined) return []
  const sentence = `${plain.name} is not Replicated, on shards with several replicas: each replica may have other rows, and any of them is read`
  return [{ sentence, hint: `use Replicated${plain.engine}; if all replicas have the same rows` }]
}

const TWICE = 'a row that was written again into another one would count twice'
const ONE_TABLE = 'read one table, or write each row of a key into the same one; if that is so'

const isDistributed = ({ engine }: TableBehind) => engine === 'Distributed'

const PLACE = ['cluster', 'database', 'name'] as const

function behind(table: TableBehind, all: readonly TableBehind[]): readonly TableBehind[] {
  return all.filter((one) => table.behind.some((place) => PLACE.every((part) => place[part] === one[part])))
}

/** The tables, and all that they stand for: behind an end nothing is looked for. */
function reached(
  tables: readonly TableBehind[],
  all: readonly TableBehind[],
  isEnd: (table: TableBehind) => boolean = () => false,
): readonly TableBehind[] {
  const found = new Set(tables)
  // The set grows while it is gone through.
  for (const table of found) if (!isEnd(table)) for (const next of behind(table, all)) found.add(next)
  return [...found]
}

/** The clusters of the Distributed tables; none, where the user may not see clusters. */
async function clustersOf({ client }: Server, all: readonly TableBehind[]): Promise<readonly Shards[]> {
  const names = all.flatMap(({ engineFull }) => distributedEngine(engineFull)?.cluster ?? [])
  if (names.length === 0) return []
  return await client
    .rows<Shards>({
      query: `WITH (SELECT mapFromArrays(groupArray(concat('{', macro, '}')), groupArray(substitution)) FROM system.macros) AS macros
        SELECT name, toUInt32(uniqExact(shard_num)) AS shards, toUInt32(uniqExact(shard_num, host_name, port)) AS nodes,
          arraySort(groupUniqArray((shard_num, shard_weight))) AS weights,
          arrayFlatten(arrayMap(weight -> arrayWithConstant(weight.2, weight.1), weights)) AS slots
        FROM system.clusters ARRAY JOIN {names:Array(String)} AS name
        WHERE has([name, macros[name]], cluster) GROUP BY name`,
      query_params: { names },
      doing: 'looking for the shards of the sources',
    })
    .catch(unlessRefused<readonly Shards[]>([]))
}
