// Owns the refusal of clusters whose nodes give one SQL several meanings: each shard would yield rows of its own.
import { usageError } from '../../model/errors.ts'
import { isHarmless, isOfReplicas, WRITING_SETTINGS } from '../../sql-syntax/settings.ts'
import { type Server, STATEMENT_SETTINGS } from '../server.ts'
import { unlessRefused } from '../server-error.ts'
import { CHANGED_SETTINGS, type ChangedSetting } from '../settings-limits.ts'
import { ANSWERING } from './replicas.ts'

/** `pinned`: what became there of settings that are sent. */
type Node = Readonly<{
  place: string
  zone: string
  changed: readonly ChangedSetting[]
  pinned: Readonly<Record<string, string>>
}>

/** `shards`: number and weight of each; `own`: where a node sees itself; `places`: the shards of all nodes, in their order, of one that is listed twice the first. */
type Known = Readonly<{
  node: number
  place: string
  shards: string
  own: readonly number[]
  places: readonly number[]
}>

const SHARDS = `SELECT toString(arraySort(groupUniqArray((shard_num, shard_weight)))) AS shards,
    groupArrayIf(shard_num, is_local) AS own, arraySort(groupArray((shard_num, replica_num, host_name, port))) AS every,
    arrayMap(one -> one.1, arrayFilter((one, at) -> arrayFirstIndex(it -> (it.3, it.4) = (one.3, one.4), every) = at, every, arrayEnumerate(every))) AS places
  FROM system.clusters
  WHERE cluster = {cluster:String} OR cluster IN (SELECT substitution FROM system.macros WHERE concat('{', macro, '}') = {cluster:String})`

/** Not what this question itself sets, what only the connected node heeds, nor a limit in time, which ends a statement with an error. */
const PINNED = Object.keys(STATEMENT_SETTINGS).filter(
  (name) => !Object.hasOwn(ANSWERING, name) && !isOfReplicas(name) && name !== 'max_execution_time',
)

const sentValue = (name: string) => String(STATEMENT_SETTINGS[name])

/** With `session_timezone` among the accepted settings, time zones may differ. Nothing is known without the right REMOTE. @throws BackfillError `server`, `usage` naming two nodes */
export async function assertAlikeNodes(
  { client, connection }: Pick<Server, 'client' | 'connection'>,
  cluster: string,
): Promise<void> {
  // What the connected node's profile changes is sent back to its default with these questions, as with every statement.
  const ask = async <Row>(columns: string, view: string): Promise<readonly Row[]> =>
    await client
      .rows<Row>({
        query: `SELECT _shard_num AS node, concat(hostName(), ':', toString(tcpPort())) AS place, ${columns}
          FROM clusterAllReplicas({cluster:String}, view(${view})) ORDER BY place`,
        query_params: { cluster, pinned: PINNED },
        clickhouse_settings: ANSWERING,
        doing: 'asking all nodes of the cluster how they read',
      })
      .catch(unlessRefused<readonly Row[]>([]))
  const [nodes, known] = await Promise.all([
    ask<Node>(
      'zone, changed, pinned',
      `SELECT timezone() AS zone, ${CHANGED_SETTINGS} AS changed,
        mapFromArrays(groupArrayIf(name, name IN {pinned:Array(String)}), groupArrayIf(value, name IN {pinned:Array(String)})) AS pinned
        FROM system.settings`,
    ),
    ask<Known>('shards, own, places', SHARDS),
  ])
  const accepted = connection.acceptedSettings ?? []
  const [first] = nodes
  const away = nodes.find(({ zone }) => zone !== first!.zone)
  const where = `of the cluster '${cluster}' (${connection.side} ${connection.url})`
  if (away !== undefined && !accepted.includes('session_timezone'))
    throw usageError(
      `the node ${first!.place} ${where} has the time zone ${first!.zone}, and ${away.place} has ${away.zone}: hours and days would differ from shard to shard`,
      'Set the same <timezone> in the configuration of all nodes; if no SQL reads times without a zone, add --accept-setting session_timezone',
    )
  const [own] = known
  const other = known.find(({ shards }) => shards !== own!.shards)
  if (other !== undefined)
    throw usageError(
      `the nodes ${own!.place} and ${other.place} ${where} have other shards or weights for it (shard, weight: ${own!.shards} and ${other.shards}): it would depend on the node where the rows of a key are`,
      'Make <remote_servers> the same on all nodes',
    )
  // Asked as a node of one shard, it sees itself in another.
  const moved = known.find(
    ({ node, own: seen, places }) => seen.length > 0 && !seen.includes(places[node - 1]!),
  )
  if (moved !== undefined)
    throw usageError(
      `the node ${moved.place} ${where} sees itself in shard ${moved.own.join(', ')}, and the connected node has it in shard ${moved.places[moved.node - 1]}: it would depend on the node where the rows of a key are`,
      'Make <remote_servers> the same on all nodes',
    )
  for (const { place, changed, pinned } of nodes) {
    const isKept = (name: string) =>
      !(connection.side === 'source' && WRITING_SETTINGS.includes(name)) &&
      pinned[name] !== sentValue(name) &&
      nodes.some((one) => one.pinned[name] !== pinned[name])
    const kept = PINNED.find((name) => isKept(name) && !accepted.includes(name))
    if (kept !== undefined)
      throw usageError(
        `the profile of the node ${place} ${where} has a constraint, or readonly, that keeps ${kept} = '${pinned[kept]}' there, in place of the '${sentValue(kept)}' that is sent: rows could be others there`,
        `Take it out there, as on the other nodes; if rows cannot change by it, add --accept-setting ${kept}`,
      )
    const odd = changed.find(
      ([name]) => !isHarmless(name) && !Object.hasOwn(STATEMENT_SETTINGS, name) && !accepted.includes(name),
    )
    if (odd === undefined) continue
    const [name, value, fallback] = odd
    throw usageError(
      `the profile of the node ${place} ${where} has ${name} = '${value}', which the connected node does not have: a transform could yield other rows there`,
      `Have it set to '${fallback}' there, as on the other nodes; if rows cannot change by it, add --accept-setting ${name}`,
    )
  }
}
