// Owns the judgement of a cluster: its servers, its replicas, its Keeper.
import { type Asked, type Diagnosis, type Refused, evaluated, listed, verdicts } from './finding.ts'

type Node = {
  readonly host: string
  readonly shard: number
  readonly replica: number
  /** Failed connections of late, as the server counts them. */
  readonly errors: number
}

type Replica = {
  readonly host: string
  readonly table: string
  readonly readonly: boolean
  readonly delaySeconds: number
  readonly problem: string
}

export type ClusterFacts = {
  readonly name: string
  /** Why a run would refuse it. */
  readonly refusal: Refused | undefined
  readonly nodes: Asked<readonly Node[]>
  /** How many servers answered a question to all of them. */
  readonly answering: Asked<number>
  readonly replicas: Asked<readonly Replica[]>
  /** Whether the server has a Keeper that answers; undefined where none is configured. */
  readonly keeper: Asked<boolean | undefined>
}

const LAG_SECONDS = 60

export function evaluateCluster({
  name,
  refusal,
  nodes,
  answering,
  replicas,
  keeper,
}: ClusterFacts): readonly Diagnosis[] {
  return [
    ...(refusal === undefined
      ? []
      : [verdicts('nodes', name).fail(refusal.sentence, refusal.hint ?? 'See docs/clusters.md')]),
    ...evaluated('nodes', name, nodes, (all) => evaluateNodes(name, all, answering)),
    ...evaluated('replicas', name, replicas, (all) => evaluateReplicas(name, all)),
    ...evaluated('keeper', name, keeper, (answers) => {
      const { ok, warn } = verdicts('keeper', name)
      return [
        answers === undefined
          ? warn(
              'no Keeper is configured: no ON CLUSTER, no Replicated tables',
              'Add <zookeeper> to the configuration of the servers',
            )
          : ok('answers'),
      ]
    }),
  ]
}

function evaluateNodes(name: string, nodes: readonly Node[], answering: Asked<number>): readonly Diagnosis[] {
  const { ok, warn, fail } = verdicts('nodes', name)
  if (nodes.length === 0)
    return [fail(`the target knows no cluster '${name}'`, 'SELECT DISTINCT cluster FROM system.clusters')]
  const shards = new Set(nodes.map(({ shard }) => shard)).size
  const all = `${shards} shard${shards === 1 ? '' : 's'}, ${nodes.length} server${nodes.length === 1 ? '' : 's'}`
  const look = `SELECT host_name, port, errors_count FROM system.clusters WHERE cluster = '${name}'`
  if ('refused' in answering)
    return [fail(`${all}; not all answer: ${answering.refused.sentence}`, answering.refused.hint ?? look)]
  if (answering.got < nodes.length) return [fail(`${all}, of which ${answering.got} answer`, look)]
  const failing = nodes.filter(({ errors }) => errors > 0)
  return [
    failing.length === 0
      ? ok(`${all}, all answer`)
      : warn(`${all}, all answer; ${listed(failing.map(({ host }) => host))} failed of late`, look),
  ]
}

function evaluateReplicas(name: string, replicas: readonly Replica[]): readonly Diagnosis[] {
  const { ok, warn, fail } = verdicts('replicas', name)
  const stuck = replicas.filter((one) => one.readonly)
  const late = replicas.filter((one) => !one.readonly && one.delaySeconds >= LAG_SECONDS)
  if (stuck.length + late.length === 0)
    return [ok(replicas.length === 0 ? 'no replicated tables of ours' : `${replicas.length} in step`)]
  return [
    ...stuck.map(({ host, table, problem }) =>
      fail(
        `${table} on ${host} is read-only${problem === '' ? '' : `: ${problem}`}`,
        `SYSTEM RESTART REPLICA ${table}`,
      ),
    ),
    ...late.map(({ host, table, delaySeconds }) =>
      warn(`${table} on ${host} is ${delaySeconds} s behind`, `SYSTEM SYNC REPLICA ${table}`),
    ),
  ]
}
