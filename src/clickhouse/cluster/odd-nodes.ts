// Owns the refusal of clusters whose nodes give one SQL several meanings: each shard would yield rows of its own.
import { usageError } from '../../model/errors.ts'
import { isHarmless } from '../../sql-syntax/settings.ts'
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

/** Number and weight of each. */
const SHARDS = `SELECT toString(arraySort(groupUniqArray((shard_num, shard_weight)))) AS shards FROM system.clusters
  WHERE cluster = {cluster:String} OR cluster IN (SELECT substitution FROM system.macros WHERE concat('{', macro, '}') = {cluster:String})`

/** Not what this question itself sets, nor a limit in time, which ends a statement with an error. */
const PINNED = Object.keys(STATEMENT_SETTINGS).filter(
  (name) => !Object.hasOwn(ANSWERING, name) && name !== 'max_execution_time',
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
        query: `SELECT concat(hostName(), ':', toString(tcpPort())) AS place, ${columns}
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
    ask<{ readonly place: string; readonly shards: string }>('shards', SHARDS),
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
      `Make <remote_servers> the same on all nodes`,
    )
  for (const { place, changed, pinned } of nodes) {
    const isKept = (name: string) =>
      pinned[name] !== sentValue(name) && nodes.some((one) => one.pinned[name] !== pinned[name])
    const kept = PINNED.find((name) => isKept(name) && !accepted.includes(name))
    if (kept !== undefined)
      throw usageError(
        `a constraint in the profile of the node ${place} ${where} keeps ${kept} = '${pinned[kept]}' there, in place of the '${sentValue(kept)}' that is sent: rows could be missing`,
        `Take the constraint out there, as on the other nodes; if rows cannot change by it, add --accept-setting ${kept}`,
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
