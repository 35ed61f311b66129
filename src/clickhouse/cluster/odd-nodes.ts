// Owns the refusal of clusters whose nodes give one SQL several meanings: each shard would yield rows of its own.
import { usageError } from '../../model/errors.ts'
import { isHarmless } from '../../sql-syntax/settings.ts'
import { type Server, STATEMENT_SETTINGS } from '../server.ts'
import { unlessRefused } from '../server-error.ts'
import { CHANGED_SETTINGS, type ChangedSetting } from '../settings-limits.ts'
import { ANSWERING } from './replicas.ts'

type Node = Readonly<{ place: string; zone: string; changed: readonly ChangedSetting[] }>

/** With `session_timezone` among the accepted settings, time zones may differ. Nothing is known without the right REMOTE. @throws BackfillError `server`, `usage` naming two nodes */
export async function assertAlikeNodes(
  { client, connection }: Pick<Server, 'client' | 'connection'>,
  cluster: string,
): Promise<void> {
  // What the connected node's profile changes is sent back to its default with this question, as with every statement.
  const nodes = await client
    .rows<Node>({
      query: `SELECT concat(hostName(), ':', toString(tcpPort())) AS place, zone, changed
        FROM clusterAllReplicas({cluster:String}, view(SELECT timezone() AS zone, ${CHANGED_SETTINGS} AS changed FROM system.settings))
        ORDER BY place`,
      query_params: { cluster },
      clickhouse_settings: ANSWERING,
      doing: 'asking all nodes of the cluster how they read',
    })
    .catch(unlessRefused<readonly Node[]>([]))
  const accepted = connection.acceptedSettings ?? []
  const [first] = nodes
  const away = nodes.find(({ zone }) => zone !== first!.zone)
  const where = `of the cluster '${cluster}' (${connection.side} ${connection.url})`
  if (away !== undefined && !accepted.includes('session_timezone'))
    throw usageError(
      `the node ${first!.place} ${where} has the time zone ${first!.zone}, and ${away.place} has ${away.zone}: hours and days would differ from shard to shard`,
      'Set the same <timezone> in the configuration of all nodes; if no SQL reads times without a zone, add --accept-setting session_timezone',
    )
  for (const { place, changed } of nodes) {
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
