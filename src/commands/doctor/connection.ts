// Owns the evaluation of connections: load balancers, idle timeouts and buffering proxies.
import { type Asked, type Finding, findings } from './finding.ts'

/** `server`: source and target are one login on one server. */
export type Role = 'source' | 'target' | 'server'

export type Answering = {
  readonly url: string
  readonly identities: readonly string[]
  readonly isCluster: boolean
}

export function evaluateBalancer(role: Role, { url, identities, isCluster }: Answering): Finding {
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

export type IdleWait = {
  readonly seconds: number
  /** When the connection broke, and the client's message; undefined if the result arrived. */
  readonly cut: { readonly afterMs: number; readonly message: string } | undefined
}

/** An INSERT sends progress this often (runner/executor.ts); a read sends nothing before its first rows. */
const PROGRESS_SECONDS = 10

export function evaluateIdleTimeout(role: Role, asked: Asked<IdleWait>): Finding {
  const { ok, warn, fail, unknown } = findings('idle-timeout', role)
  if ('refused' in asked) return unknown(asked.refused)
  const { seconds: lasted, cut } = asked.got
  if (cut === undefined)
    return ok(`an idle connection survives ${lasted} s without data (--idle tries longer)`)
  const found = `an idle connection is closed after ${(cut.afterMs / 1000).toFixed(1)} s (${cut.message})`
  const hint = 'Raise the idle timeout of the proxy or load balancer to one hour, or connect directly'
  return cut.afterMs <= PROGRESS_SECONDS * 1000
    ? fail(`${found}: statements that take longer lose their result`, hint)
    : warn(`${found}: INSERTs send progress and survive, long reads and deletions do not`, hint)
}

export type Arrival = { readonly firstMs: number; readonly lastMs: number }

export function evaluateBuffering(role: Role, asked: Asked<Arrival>): Finding {
  const { ok, warn, unknown } = findings('buffering', role)
  if ('refused' in asked) return unknown(asked.refused)
  const { firstMs, lastMs } = asked.got
  if (firstMs <= lastMs * 0.75) return ok('responses arrive while the server writes them')
  return warn(
    'responses arrive only when they are complete: a proxy buffers them, and the progress with them',
    'Turn response buffering off in the proxy (nginx: proxy_buffering off), or connect directly',
  )
}
