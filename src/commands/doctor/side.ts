// Owns the checks of one login on one server: reachability, connection and settings.
import { closing } from '../../model/closing.ts'
import { monotonicMs } from '../../seam/clock.ts'
import type { ClickHouseSettings } from '@clickhouse/client'
import { identitiesBehind } from '../../clickhouse/cluster/cluster.ts'
import type { Connection } from '../../clickhouse/connection.ts'
import { openAgain, openServer, openWith, type Server, STATEMENT_SETTINGS } from '../../clickhouse/server.ts'
import { errorCode, messageOf } from '../../clickhouse/server-error.ts'
import {
  readLimits,
  refusesSettings,
  SETTING_CONSTRAINT_VIOLATION,
  type SettingsLimits,
} from '../../clickhouse/settings-limits.ts'
import { type Asked, asking, evaluated, type Finding, findings, type Role, type Say } from './finding.ts'
import { quotedName } from '../../sql-syntax/quoting.ts'

/** `server`: as a run opens it; undefined if it is unreachable or its profile would truncate results. The caller closes it. */
export async function examineSide(
  role: Role,
  connection: Connection,
  { cluster, idleSeconds }: { readonly cluster: string | undefined; readonly idleSeconds: number },
) {
  const { url, username } = connection
  const reach = findings('reach', role)
  const [asked, limits] = await Promise.all([
    asking(connection, () => openSide(connection)),
    // Without settings, so that a user who may change no setting gets an answer as well.
    asking(connection, () => limitsOf(connection)),
  ])
  if ('refused' in asked && asked.refused.code !== SETTING_CONSTRAINT_VIOLATION) {
    const { reason, hint } = asked.refused
    return { role, server: undefined, findings: [reach.fail(reason, hint ?? 'backfill info')] }
  }
  const rights = [
    ...('refused' in asked && 'refused' in limits ? [] : [evaluateSettings(role, username, limits)]),
    evaluateProfile(role, username, { opened: asked, limits }),
  ]
  const reached = reach.ok(`${url} as '${username}'`)
  if ('refused' in asked) return { role, server: undefined, findings: [reached, ...rights] }
  const { server, identities } = asked.got
  // On connections that nothing else uses.
  const connected = await Promise.all([
    evaluated(findings('idle-timeout', role), connection, async (say) =>
      evaluateIdleTimeout(say, await closing(openAgain(server), (fresh) => waitIdle(fresh, idleSeconds))),
    ),
    evaluated(findings('buffering', role), connection, async (say) =>
      evaluateBuffering(say, await closing(openAgain(server), readArrival)),
    ),
  ])
  const balancer = evaluateBalancer(role, url, identities, cluster !== undefined)
  return { role, server, findings: [reached, balancer, ...connected.flat(), ...rights] }
}

export type ExaminedSide = Awaited<ReturnType<typeof examineSide>>

async function openSide(connection: Connection) {
  const server = await openServer(connection)
  try {
    return { server, identities: [server.info.identity, ...(await identitiesBehind(server))] }
  } catch (error) {
    await server.close()
    throw error
  }
}

async function limitsOf(connection: Connection) {
  // A limit or an offset of the profile would also truncate this result.
  const bare = await openWith(connection, { limit: '0', offset: '0' }).catch((error: unknown) => {
    if (error instanceof Error && refusesSettings(error.cause)) return openWith(connection, {})
    throw error
  })
  return await closing(bare, ({ client }) => readLimits(client, connection))
}

async function waitIdle({ client }: Server, seconds: number): Promise<IdleWait> {
  // ClickHouse lets a block sleep for at most 3 s.
  const blocks: ClickHouseSettings = seconds > 3 ? { max_block_size: '1', max_threads: 1 } : {}
  const started = monotonicMs()
  try {
    // As text, because a question for rows would be asked again.
    await client.text({
      query: 'SELECT sum(sleepEachRow(1)) FROM numbers({seconds:UInt64})',
      query_params: { seconds },
      clickhouse_settings: blocks,
    })
    return { seconds, cut: undefined }
  } catch (error) {
    if (errorCode(error) !== 0) throw error
    return { seconds, cut: { afterMs: monotonicMs() - started, message: messageOf(error) } }
  }
}

async function readArrival({ client }: Server): Promise<Arrival> {
  const started = monotonicMs()
  const { stream } = await client.exec({
    // Four blocks of 65,536 rows, a quarter of a second each.
    query: 'SELECT sleepEachRow(0.000004) FROM numbers(262144) FORMAT RowBinary',
  })
  let firstMs: number | undefined
  for await (const _ of stream) firstMs ??= monotonicMs() - started
  const lastMs = monotonicMs() - started
  return { firstMs: firstMs ?? lastMs, lastMs }
}

/** `identities`: of the servers that answered some connections. */
export function evaluateBalancer(
  role: Role,
  url: string,
  identities: readonly string[],
  isCluster: boolean,
): Finding {
  const { ok, warn, fail } = findings('balancer', role)
  const servers = new Set(identities).size
  if (servers <= 1) return ok(`one server answers ${identities.length} connections`)
  const found = `${servers} servers answer at ${url}`
  if (role === 'source')
    return warn(
      `${found}: rows that one of them lacks are missing in a result`,
      'Set SOURCE_CLICKHOUSE_URL to one of them',
    )
  if (isCluster) return ok(`${found}, nodes of a cluster`)
  return fail(
    `${found}: tables, ledger and locks would be scattered over them`,
    'Set TARGET_CLICKHOUSE_URL to one of them',
  )
}

type IdleWait = {
  readonly seconds: number
  /** When the connection broke, and the client's message; undefined if the result arrived. */
  readonly cut: { readonly afterMs: number; readonly message: string } | undefined
}

/** An INSERT sends progress this often (runner/executor.ts); a read sends nothing before its first rows. */
const PROGRESS_SECONDS = 10

export function evaluateIdleTimeout({ ok, warn, fail }: Say, { seconds, cut }: IdleWait): Finding {
  if (cut === undefined)
    return ok(`an idle connection survives ${seconds} s without data (--idle tries longer)`)
  const found = `an idle connection is closed after ${(cut.afterMs / 1000).toFixed(1)} s (${cut.message})`
  const hint = 'Raise the idle timeout of the proxy or load balancer to one hour, or connect directly'
  return cut.afterMs <= PROGRESS_SECONDS * 1000
    ? fail(`${found}: statements that take longer lose their result`, hint)
    : warn(`${found}: INSERTs send progress and survive, long reads and deletions do not`, hint)
}

type Arrival = { readonly firstMs: number; readonly lastMs: number }

export function evaluateBuffering({ ok, warn }: Say, { firstMs, lastMs }: Arrival): Finding {
  if (firstMs <= lastMs * 0.75) return ok('responses arrive while the server writes them')
  return warn(
    'responses arrive only when they are complete: a proxy buffers them, and the progress with them',
    'Turn response buffering off in the proxy (nginx: proxy_buffering off), or connect directly',
  )
}

/** Whether the user may change the settings that statements send and, on the target, write. */
function evaluateSettings(role: Role, username: string, asked: Asked<SettingsLimits>): Finding {
  const { ok, warn, fail, unknown } = findings('settings', role)
  if ('refused' in asked) return unknown(asked.refused)
  const limits = asked.got
  const { readonly } = limits
  const alter = `ALTER USER ${quotedName(username)} SETTINGS`
  if (readonly !== '0' && role !== 'source')
    return fail(
      `user '${username}' has readonly = ${readonly}: nothing can be written`,
      `${alter} readonly = 0`,
    )
  const stuck = limits.denied(STATEMENT_SETTINGS)
  if (stuck.length === 0) return ok(`user '${username}' may set what statements are sent with`)
  const why = readonly === '1' ? 'readonly = 1' : 'constraints of its profile'
  const found = `user '${username}' may not set ${stuck.map(({ name }) => name).join(', ')} (${why})`
  const time = stuck.find(({ name, holds }) => name === 'max_execution_time' && holds !== '0')
  return time === undefined
    ? ok(`${found}; they are not sent`)
    : warn(
        `${found}: statements that take longer than ${time.holds} s fail, and their chunks are split`,
        `${alter} ${time.name} = ${time.wanted}${readonly === '1' ? ', readonly = 2' : ''}`,
      )
}

/** `opened`: the server as a run opens it, which refuses a profile that would truncate results. */
function evaluateProfile(
  role: Role,
  username: string,
  { opened, limits }: { readonly opened: Asked<unknown>; readonly limits: Asked<SettingsLimits> },
): Finding {
  const { ok, fail } = findings('profile', role)
  if ('refused' in opened)
    return fail(
      `${opened.refused.reason}; the other checks did not run`,
      opened.refused.hint ?? 'backfill info',
    )
  const overruled = 'got' in limits ? limits.got.overruled(STATEMENT_SETTINGS) : []
  return ok(
    overruled.length === 0
      ? `the profile of '${username}' does not truncate results`
      : `every statement overrules ${overruled.map(({ name, holds }) => `${name} = ${holds}`).join(', ')} of the profile of '${username}'`,
  )
}
