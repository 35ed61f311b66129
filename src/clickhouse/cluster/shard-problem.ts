// Owns the reasons why a target on a cluster must not be written to: wrong properties of the table or its local tables.
import { type Distributed, shardingProblem } from '../../sql-syntax/distributed.ts'
import { significantTokens, unquoted } from '../../sql-syntax/lexer.ts'

/** A sentence about the table without its name, and a hint. */
export type ShardProblem = { readonly sentence: string; readonly hint: string }

type Target = {
  readonly engine: string
  /** Undefined if the table is not Distributed. */
  readonly of: Distributed | undefined
  /** The server reports that the sharding key is non-deterministic. */
  readonly isRandom: boolean
  /** Its local tables; `node` counts from 1. */
  readonly found: readonly {
    readonly node: number
    readonly engine: string
    readonly sorting_key: string
  }[]
}

type Nodes = {
  readonly name: string
  /** The shard of each node. */
  readonly nodes: readonly number[]
}

/** Why a target must not be written to on a cluster; undefined if it may. */
export function shardProblem(
  { name, nodes }: Nodes,
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
  const without = nodes.flatMap((shard, index) =>
    found.some(({ node }) => node === index + 1) ? [] : [shard],
  )
  if (without.length > 0)
    return {
      sentence: `is Distributed over ${local}, which does not exist on every node: shard ${[...new Set(without)].join(', ')} lacks it, or you may not see it`,
      hint: `create it there as it is on the other nodes, or GRANT SHOW TABLES ON ${of.database}.*`,
    }
  const [first, ...others] = found
  const other = others.find((one) => one.sorting_key !== first!.sorting_key || one.engine !== first!.engine)
  if (other !== undefined)
    return {
      sentence: `has local tables ${local} that differ: ${first!.engine} sorted by ${first!.sorting_key}, and ${other.engine} sorted by ${other.sorting_key}`,
      hint: 'make them alike on all nodes',
    }
  if (!first!.engine.includes('Replacing'))
    return {
      sentence: `has local tables ${local} that keep every row (${first!.engine}): built again after one shard has lost its rows, it would have those of the others twice`,
      hint: 'use ReplacingMergeTree, sorted by the key of a row',
    }
  if (new Set(nodes).size < nodes.length && !first!.engine.startsWith('Replicated'))
    return {
      sentence: `has local tables ${local} that are not Replicated, on shards with several replicas: each replica would have other rows`,
      hint: `use Replicated${first!.engine}, or a cluster without replicas`,
    }
  const sharding = nodes.every((shard) => shard === nodes[0])
    ? undefined
    : shardingProblem(of, namesIn(first!.sorting_key), isRandom)
  if (sharding !== undefined)
    return {
      sentence: `may keep rows of one key on several shards, where nothing makes one of them: ${sharding}`,
      hint: `shard it by columns of its sorting key, as '--! shard' in sql/ddl does: ${again}`,
    }
  return undefined
}

/** Names in the key: columns and functions. No column of a sharding key has a function's name. */
function namesIn(sortingKey: string): readonly string[] {
  return significantTokens({ file: 'system.tables', text: sortingKey, line: 1 }).flatMap((token) =>
    token.kind === 'word' || token.kind === 'identifier' ? [unquoted(token)] : [],
  )
}
