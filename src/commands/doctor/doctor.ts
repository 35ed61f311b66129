// Owns the order of `backfill doctor`: each login, then the SQL checks, the cluster and the ledger.
import { type Joined, joinCluster } from '../../clickhouse/cluster/cluster.ts'
import { type Connection, namesFor } from '../../clickhouse/connection.ts'
import { type Server } from '../../clickhouse/server.ts'
import { POLICY_HINT, rowPolicies } from '../../clickhouse/row-policies.ts'
import { sameLogin } from '../../clickhouse/servers.ts'
import { namesRead } from '../../model/choose.ts'
import type { Catalogue, SourceDefinition, TableDefinition } from '../../model/model.ts'
import { monotonicMs } from '../../seam/clock.ts'
import { readReadiness } from '../../sources/readiness.ts'
import type { Connections, placeOf } from '../../workspace/open.ts'
import { asking, BUILT_IN, evaluated, type Finding, findings, GROUPS, type Refusal } from './finding.ts'
import { checkFold } from './ledger.ts'
import { type ExaminedSide, examineSide } from './side.ts'
import { type Place, runSqlChecks, type SqlCheck } from './sql-checks.ts'

type DoctorInput = Connections &
  ReturnType<typeof placeOf> & {
    readonly network: string
    /** The chosen tables; empty if the SQL files are broken. */
    readonly tables: readonly TableDefinition[]
    readonly catalogue: Pick<Catalogue, 'sources' | 'tables'>
    readonly checks: readonly SqlCheck[]
    /** Errors in the SQL folder. */
    readonly broken: readonly Finding[]
    /** How long an idle connection has to survive. */
    readonly idleSeconds: number
  }

/** All findings in the order in which they are shown. Reads only. */
export async function runChecks(input: DoctorInput): Promise<readonly Finding[]> {
  const { source, target, broken } = input
  const sides = await Promise.all(
    sameLogin(source, target)
      ? [examineSide('server', target, input)]
      : [examineSide('source', source, input), examineSide('target', target, input)],
  )
  try {
    const asked = await Promise.all(sides.map((side) => askInside(input, side)))
    return inOrder([...sides.flatMap((side) => side.findings), ...asked.flat(), ...broken])
  } finally {
    await Promise.all(sides.flatMap(({ server }) => server?.close() ?? []))
  }
}

/** The SQL checks of a server that could be opened; on the target also the cluster and the ledger. */
async function askInside(input: DoctorInput, { role, server }: ExaminedSide): Promise<readonly Finding[]> {
  if (server === undefined) return []
  const { source, target, network, cluster, tables, checks } = input
  const names = namesFor(input.ledgerDatabase)
  const place: Place = {
    server,
    role,
    cluster: undefined,
    params: {
      source: source.database,
      target: target.database,
      ledger: names.ledger,
      locks: names.locks,
      network,
      cluster: cluster ?? '',
      tables: [
        ...tables.flatMap((table) =>
          [table.target, `${table.target}_local`].map((name) => `${target.database}.${name}`),
        ),
        ...['ledger', 'sql_versions'].map((name) => `${names.ledger}.${name}`),
      ],
    },
  }
  const read = namesRead(tables, input.catalogue)
  const selects = input.catalogue.sources.filter(({ table }) => read.source.includes(table))
  const hidden: Finding[] = []
  if (role !== 'target') {
    hidden.push(...(await policyFindings(server, source, read.source)))
    hidden.push(...(await readinessFindings({ server, database: source.database, network }, selects)))
  }
  if (role !== 'source') hidden.push(...(await policyFindings(server, target, read.target)))
  if (role === 'source') return [...(await runSqlChecks(checks, place)), ...hidden]
  // Joins the cluster as a run does, because a run refuses some clusters.
  const joined = await asking(server.connection, () => joinCluster(server, { cluster, names }))
  // Without Keeper or the cluster's nodes most checks would only wait, one after the other.
  if ('refused' in joined && joined.refused.kind === 'server')
    return [refusedCluster(cluster!, joined.refused)]
  const {
    keeper: hasKeeper = false,
    unreachable: missing = [],
    lacking = [],
  } = ('got' in joined && joined.got.server.cluster) || {}
  for (const { error } of lacking) hidden.push(refusedCluster(cluster!, { reason: error.message }))
  const [rows, own] = await Promise.all([
    runSqlChecks(checks, {
      ...place,
      cluster: cluster === undefined ? undefined : { hasKeeper, missing },
    }),
    'got' in joined ? foldFindings(input, joined.got) : [refusedCluster(cluster!, joined.refused)],
  ])
  return [...rows, ...own, ...hidden]
}

/** One for each row policy that hides rows of these tables. */
async function policyFindings(
  { client }: Server,
  connection: Connection,
  tables: readonly string[],
): Promise<readonly Finding[]> {
  return await evaluated(findings('row-policies', connection.side), connection, async () =>
    (await rowPolicies({ client, connection }, tables)).map(({ table, sentence }) =>
      findings('row-policies', table).warn(sentence, POLICY_HINT),
    ),
  )
}

/** One for each source with a SELECT of how far it is complete: every command waits for its answer. */
async function readinessFindings(
  place: { readonly server: Server; readonly database: string; readonly network: string },
  definitions: readonly SourceDefinition[],
): Promise<readonly Finding[]> {
  const found: Finding[] = []
  for (const definition of definitions.filter(({ ready }) => ready !== undefined)) {
    const started = monotonicMs()
    const asked = await asking(place.server.connection, () => readReadiness(place, [definition]))
    const ms = Math.round(monotonicMs() - started)
    const { ok, warn, fail } = findings('readiness', definition.table)
    const { file } = definition.ready!
    if ('refused' in asked) found.push(fail(asked.refused.reason, asked.refused.hint ?? `Correct ${file}`))
    else if (ms > SLOW_MS)
      found.push(warn(`${file} takes ${ms} ms`, 'Make it faster: each command waits for it'))
    else found.push(ok(`${file} answers in ${ms} ms`))
  }
  return found
}

const SLOW_MS = 1000

function refusedCluster(
  cluster: string,
  { reason, hint }: Pick<Refusal, 'reason'> & Partial<Refusal>,
): Finding {
  return findings('cluster', cluster).fail(reason, hint ?? 'See docs/how-to/clusters.md')
}

async function foldFindings(input: DoctorInput, { server, names }: Joined): Promise<readonly Finding[]> {
  const { network, exclusive, tables } = input
  const found = await asking(server.connection, () =>
    checkFold({ server, names, network, exclusive, tables }),
  )
  if ('got' in found) return found.got
  const { fail, unknown } = findings('fold', names.ledger)
  const { kind, reason, hint } = found.refused
  // The ledger cannot be used as it is; any other error says that it could not be looked at.
  return [kind === 'usage' && hint !== undefined ? fail(reason, hint) : unknown(found.refused)]
}

/** Sorted by group; in each group the built-in checks first, then the SQL files by name. */
function inOrder(found: readonly Finding[]): readonly Finding[] {
  const groups = [...new Set([...GROUPS, ...found.map(({ group }) => group)])]
  const files = found.map(({ check }) => check).filter((check) => !Object.hasOwn(BUILT_IN, check))
  const checks = [...Object.keys(BUILT_IN), ...files.toSorted()]
  return found.toSorted(
    (a, b) =>
      groups.indexOf(a.group) - groups.indexOf(b.group) || checks.indexOf(a.check) - checks.indexOf(b.check),
  )
}
