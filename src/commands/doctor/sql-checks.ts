// Owns the checks that are SQL files (sql/doctor/): it reads them, runs each on its servers, and returns findings.
import { ANSWERING } from '../../clickhouse/cluster/replicas.ts'
import type { Server } from '../../clickhouse/server.ts'
import { type DoctorHeader, doctorHeader } from '../../project/header.ts'
import { layeredFiles } from '../../project/sql-files.ts'
import { reportOutside } from '../../sql-syntax/outside.ts'
import { attempt, refuse, type Report } from '../../model/errors.ts'
import { onlyStatement } from '../../sql-syntax/statements.ts'
import { asking, type CheckStatus, type Finding, findingsIn, type Refusal, type Role } from './finding.ts'

export type SqlCheck = DoctorHeader & { readonly id: string; readonly file: string; readonly sql: string }

/** Of equal names the later folder's file counts. Broken files are reported. @throws BackfillError `usage` */
export async function readSqlChecks(
  folders: readonly string[],
  report: Report,
): Promise<readonly SqlCheck[]> {
  const files = await layeredFiles(folders, 'doctor')
  return files.flatMap(({ key, file, text }) => {
    const read = () => {
      const sql = onlyStatement(file, text, ONE_SELECT)
      const header = doctorHeader(file, text)
      reportOutside(sql, header.outside, refuse)
      return { id: key, file, sql: sql.text, ...header }
    }
    return attempt(report, read) ?? []
  })
}

export type Place = {
  readonly server: Server
  readonly role: Role
  /** `missing`: the nodes that do not answer. */
  readonly cluster: { readonly hasKeeper: boolean; readonly missing: readonly string[] } | undefined
  /** What a file may use as {name:Type}: databases, network, cluster and tables (docs/reference/doctor.md). */
  readonly params: Readonly<Record<string, string | readonly string[]>>
}

export async function runSqlChecks(checks: readonly SqlCheck[], place: Place): Promise<readonly Finding[]> {
  const found = await Promise.all(
    checks.filter((check) => isAskedAt(check, place)).map((check) => runSqlCheck(check, place)),
  )
  return found.flat()
}

function isAskedAt({ server: servers }: SqlCheck, { role, cluster }: Place): boolean {
  return servers.some((server) => {
    if (server === 'source' || server === 'target') return role === server || role === 'server'
    if (role === 'source') return false
    return server === 'each node' || (cluster !== undefined && (server === 'cluster' || cluster.hasKeeper))
  })
}

const COLUMNS = ['status', 'subject', 'finding', 'hint']
const ONE_SELECT = {
  missing: 'the check has no SELECT',
  hint: `a check is one SELECT of ${COLUMNS.join(', ')}`,
}
const STATUSES: readonly string[] = ['ok', 'warn', 'fail'] satisfies readonly CheckStatus[]

type Row = Readonly<Record<'subject' | 'finding' | 'hint' | 'node', string>> & {
  readonly status: CheckStatus
}

/** UNKNOWN_TABLE, UNKNOWN_DATABASE: the first `up` makes the locks. */
function isBeforeFirstUp({ code, reason }: Refusal, { locks }: Place['params']): boolean {
  return (code === 60 || code === 81) && typeof locks === 'string' && reason.includes(locks)
}

async function runSqlCheck(check: SqlCheck, place: Place): Promise<readonly Finding[]> {
  const { server, role, cluster, params } = place
  const { id, group, file } = check
  const { ok, fail, unknown } = findingsIn({ check: id, group }, role)
  const onNodes = cluster !== undefined && check.server.includes('each node')
  const asked = await asking(server.connection, () =>
    server.client.table<Row>({
      query: onNodes
        ? `SELECT *, concat(hostName(), ':', tcpPort()) AS node FROM clusterAllReplicas({cluster:String}, view(\n${check.sql}\n)) ORDER BY node`
        : `SELECT *, '' AS node FROM (\n${check.sql}\n)`,
      query_params: params,
      // The check `nodes` tells of those that are missing, once.
      clickhouse_settings: (cluster?.missing ?? []).length > 0 ? ANSWERING : {},
    }),
  )
  if ('refused' in asked)
    return [isBeforeFirstUp(asked.refused, params) ? ok('there are no locks yet') : unknown(asked.refused)]
  const { meta = [], data } = asked.got
  const wrong = meta.map(({ name }) => name).filter((name) => name !== 'node')
  if (
    wrong.toSorted().join() !== COLUMNS.toSorted().join() ||
    data.some((row) => !STATUSES.includes(row.status))
  )
    return [
      fail(
        `${file} returns ${wrong.join(', ')} with status ${data.map(({ status }) => `'${status}'`).join(', ')}`,
        `Return ${COLUMNS.join(', ')}; status is one of ${STATUSES.join(', ')}`,
      ),
    ]
  if (data.length === 0) return [ok(check.ok)]
  return data.map(({ status, subject, finding, hint, node }): Finding => {
    const at = node === '' ? '' : ` on ${node}`
    const of = findingsIn({ check: id, group }, `${subject || role}${at}`)
    return of[status](finding, (hint && at ? `${hint} --${at}` : hint) || `See ${file}`)
  })
}
