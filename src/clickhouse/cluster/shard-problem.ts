// Owns why a Distributed table must not be written to: its rows would become double, or differ from node to node.
import { fits } from '../../sql-syntax/type-fit.ts'
import {
  type Distributed,
  distributedEngine,
  leavesOutShards,
  shardingProblem,
} from '../../sql-syntax/ddl-clauses.ts'
import { columnsIn } from '../../sql-syntax/named-columns.ts'
import { quotedName } from '../../sql-syntax/quoting.ts'
import { definitionsDiffer } from '../../sql-syntax/table-definition.ts'
import type { Cluster } from '../server.ts'

export type Local = {
  readonly database: string
  readonly name: string
  readonly uuid: string
  readonly engine: string
  readonly engine_full: string
  readonly sorting_key: string
  /** In Keeper, the same for all replicas of one table; '' if it is not Replicated. */
  readonly keeper_path: string
  /** Replicas of it that have a session with Keeper, in a list or not; 0 if it is not Replicated. */
  readonly active: number
  readonly create_table_query: string
  readonly total_rows: number | null
  /** The materialized views that read it. */
  readonly views: readonly string[]
  /** From 1, as clusterAllReplicas() counts. */
  readonly node: number
}

/** All replicas hold the same rows. Shared… are those of ClickHouse Cloud. */
export const REPLICATED = /^(Replicated|Shared)/

/** Every node may be the one that somebody connects to; a value is converted in silence to the type of a local table. */
export function frontProblem(
  { name, places }: Pick<Cluster, 'name' | 'places'>,
  {
    fronts,
    own,
    local,
  }: {
    readonly fronts: readonly Pick<Local, 'node' | 'engine_full' | 'create_table_query'>[]
    readonly own: string
    readonly local: string | undefined
  },
): ShardProblem | undefined {
  if (leavesOutShards(own))
    return {
      sentence:
        'has the setting skip_unavailable_shards: what reads it would miss the rows of a shard that is down',
      hint: 'create it again without this setting: docs/how-to/clusters.md',
    }
  const other = fronts.find(({ engine_full: full }) => spread(full, name) !== spread(own, name))
  if (other !== undefined)
    return {
      sentence: `is ${own}, and on ${places[other.node - 1]} it is ${other.engine_full}`,
      hint: 'create it on all nodes as it is on the one that is right: docs/how-to/clusters.md',
    }
  for (const { node, create_table_query: front } of fronts) {
    if (front === '' || (local ?? '') === '') continue
    const odd = definitionsDiffer(front, local!).find(
      ({ rule, here, there }) => (rule === 'E072' && !fits(here, there)) || (rule === 'E071' && here !== ''),
    )
    if (odd === undefined || !('column' in odd.place)) continue
    return {
      sentence: `has the column ${quotedName(odd.place.column)} ${odd.here} on ${places[node - 1]}, and its local tables have it ${odd.there === '' ? 'not' : `as ${odd.there}`}: values could be cut off`,
      hint: 'make the Distributed table and its local tables alike on all nodes, with ALTER TABLE … ON CLUSTER',
    }
  }
  return undefined
}

/** Where a Distributed table sends its rows: not its settings. */
function spread(engineFull: string, name: string): string {
  const { cluster, database, table, key } = distributedEngine(engineFull) ?? {}
  return JSON.stringify([cluster === '{cluster}' ? name : cluster, database, table, key?.text])
}

export type ShardProblem = { readonly sentence: string; readonly hint: string }

type Target = {
  readonly engine: string
  readonly of: Distributed | undefined
  readonly isRandom: boolean
  readonly found: readonly Pick<
    Local,
    'node' | 'engine' | 'sorting_key' | 'keeper_path' | 'active' | 'create_table_query'
  >[]
}

/** Replicas of one shard are one table, and shards are several. */
function keeperProblem({ nodes, places }: Pick<Cluster, 'nodes' | 'places'>, found: Target['found']) {
  for (const one of found)
    for (const other of found) {
      if (one.node >= other.node || one.keeper_path === '' || other.keeper_path === '') continue
      const isOne = nodes[one.node - 1] === nodes[other.node - 1]
      if (isOne === (one.keeper_path === other.keeper_path)) continue
      const [here, there] = [places[one.node - 1], places[other.node - 1]]
      return isOne
        ? `no replicas of each other on ${here} and ${there}: ${one.keeper_path} and ${other.keeper_path} in Keeper`
        : `replicas of each other on ${here} and ${there}: ${one.keeper_path} in Keeper`
    }
  return undefined
}

/** A server in no list would count for an INSERT in the place of a replica that is read. One listed replica has itself what it acknowledges. */
function crowdProblem({ nodes }: Pick<Cluster, 'nodes'>, found: Target['found']) {
  for (const { node, active } of found) {
    const shard = nodes[node - 1]
    const listed = nodes.filter((one) => one === shard).length
    if (listed > 1 && active > listed)
      return `${active} active replicas in shard ${shard}, of which the cluster lists ${listed}`
  }
  return undefined
}

/** What differs between the tables of two nodes. The statement is empty for a user who may not see it. */
function firstDifference(places: readonly string[], [first, ...others]: Target['found']): string | undefined {
  for (const other of others) {
    const [here, there] = [places[first!.node - 1]!, places[other.node - 1]!]
    if (first!.sorting_key !== other.sorting_key || first!.engine !== other.engine)
      return `${first!.engine} sorted by ${first!.sorting_key} on ${here}, and ${other.engine} sorted by ${other.sorting_key} on ${there}`
    if (first!.create_table_query === '' || other.create_table_query === '') continue
    const found = definitionsDiffer(first!.create_table_query, other.create_table_query)
    const odd = found.find(({ rule }) => rule !== 'W078')
    if (odd === undefined) continue
    if (odd.rule !== 'E071')
      return `${odd.what} ${odd.here || 'nothing'} on ${here}, and ${odd.there || 'nothing'} on ${there}`
    const column = `${'column' in odd.place ? quotedName(odd.place.column) : ''} ${odd.here || odd.there}`
    return odd.there === ''
      ? `${here} has ${column}, and ${there} does not`
      : `${there} has ${column}, and ${here} does not`
  }
  return undefined
}

/** Why a target must not be written to on a cluster; undefined if it may. */
export function shardProblem(
  { name, nodes, places, unreachable }: Pick<Cluster, 'name' | 'nodes' | 'places' | 'unreachable'>,
  { engine, of, isRandom, found }: Target,
): ShardProblem | undefined {
  const again = `create it again: docs/how-to/clusters.md`
  if (of === undefined)
    return {
      sentence: `is a ${engine} on one server, not Distributed`,
      hint: `leave --cluster out, or ${again}`,
    }
  if (of.cluster !== name && of.cluster !== '{cluster}')
    return {
      sentence: `is Distributed over the cluster '${of.cluster}'`,
      hint: `--cluster ${of.cluster}, or ${again}`,
    }
  const local = `${of.database}.${of.table}`
  const without = places.filter(
    (place, index) => !found.some(({ node }) => node === index + 1) && !unreachable.includes(place),
  )
  if (without.length > 0)
    return {
      sentence: `is Distributed over ${local}, which does not exist on every node: ${without.join(', ')} lacks it, or you may not see it`,
      hint: `create it there as it is on the other nodes (ATTACH TABLE, if it was detached), or GRANT SHOW TABLES ON ${quotedName(of.database)}.*`,
    }
  const [first] = found
  const odd = firstDifference(places, found)
  if (odd !== undefined)
    return {
      sentence: `has local tables ${local} that differ: ${odd}`,
      hint: 'make them alike on all nodes, with ALTER TABLE where it can',
    }
  const inKeeper = keeperProblem({ nodes, places }, found)
  if (inKeeper !== undefined)
    return {
      sentence: `has local tables ${local} that are ${inKeeper}`,
      hint: `correct the shards of the cluster '${name}' in the configuration of all nodes, or ${again}`,
    }
  const crowd = crowdProblem({ nodes }, found)
  if (crowd !== undefined)
    return {
      sentence: `has local tables ${local} with ${crowd}: a write could count before all listed ones have it`,
      hint: `list that server in <remote_servers> of all nodes, or type DROP TABLE ${local} SYNC on it`,
    }
  if (!first!.engine.includes('Replacing'))
    return {
      sentence: `has local tables ${local} that keep every row (${first!.engine}): built again after one shard has lost its rows, it would have those of the others twice`,
      hint: 'use ReplacingMergeTree, sorted by the key of a row',
    }
  if (new Set(nodes).size < nodes.length && !REPLICATED.test(first!.engine))
    return {
      sentence: `has local tables ${local} that are not Replicated, on shards with several replicas: each replica would have other rows`,
      hint: `use Replicated${first!.engine}, or a cluster without replicas`,
    }
  const sharding = nodes.every((shard) => shard === nodes[0])
    ? undefined
    : shardingProblem(of, columnsIn(first!.sorting_key), isRandom)
  return sharding === undefined
    ? undefined
    : {
        sentence: `may keep rows of one key on several shards, where nothing makes one of them: ${sharding}`,
        hint: `shard it by columns of its sorting key, as '--! shard' in sql/ddl does: ${again}`,
      }
}
