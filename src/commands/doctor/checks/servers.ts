// Owns the judgement of the servers themselves: who answers, its version, its clock, whether it is one server.
import { type Diagnosis, type Refused, verdicts } from './finding.ts'

/** `server`: source and target are one login on one server. */
export type About = 'source' | 'target' | 'server'

export type ServerFacts = {
  readonly about: About
  readonly url: string
  readonly username: string
  readonly version: string
  /** Who answered each of some fresh connections. */
  readonly identities: readonly string[]
  readonly clock: Clock
}

export type Clock = {
  /** The server's clock less this host's. */
  readonly aheadMs: number
  /** The time of the question: the difference may be wrong by half of it. */
  readonly roundTripMs: number
}

export function evaluateServer(server: ServerFacts, clustered: boolean): readonly Diagnosis[] {
  return [
    verdicts('reach', server.about).ok(
      `${server.url} as '${server.username}', answers in ${Math.max(1, Math.round(server.clock.roundTripMs))} ms`,
    ),
    evaluateVersion(server),
    evaluateClock(server),
    evaluateBalancer(server, clustered),
  ]
}

export function unreached(about: About, { sentence, hint }: Refused): Diagnosis {
  return verdicts('reach', about).fail(sentence, hint ?? 'backfill info')
}

/** The oldest version on which this is known to work (docs/deploying.md). */
const OLDEST = [25, 8] as const

function evaluateVersion({ about, version }: ServerFacts): Diagnosis {
  const { ok, fail } = verdicts('version', about)
  const [year = 0, month = 0] = version.split('.').map(Number)
  const supported = year > OLDEST[0] || (year === OLDEST[0] && month >= OLDEST[1])
  const range = `supported from ${OLDEST.join('.')}`
  return supported
    ? ok(`ClickHouse ${version} (${range})`)
    : fail(`ClickHouse ${version} is too old (${range})`, `Upgrade it to ${OLDEST.join('.')} or newer`)
}

export function evaluateNode({
  runtime,
  version,
}: {
  readonly runtime: 'Node' | 'Deno'
  readonly version: string
}): Diagnosis {
  const { ok, fail } = verdicts('node', '')
  if (runtime === 'Deno') return ok(`Deno ${version}`)
  const [major = 0, minor = 0] = version.split('.').map(Number)
  return major > 22 || (major === 22 && minor >= 18)
    ? ok(`Node ${version} (supported from 22.18)`)
    : fail(`Node ${version} is too old (supported from 22.18)`, 'Install Node 24: https://nodejs.org')
}

/** Nothing is decided by clocks; times in `log` and `status` are the servers'. */
const SKEW_MS = 2_000

function evaluateClock({ about, clock }: ServerFacts): Diagnosis {
  return skew({ about, ...clock, than: 'this host' })
}

/** Source and target against each other. */
export function evaluateClocks(source: Clock, target: Clock): Diagnosis {
  return skew({
    about: 'source',
    aheadMs: source.aheadMs - target.aheadMs,
    roundTripMs: source.roundTripMs + target.roundTripMs,
    than: 'the target',
  })
}

function skew({ about, aheadMs, roundTripMs, than }: Clock & { about: About; than: string }): Diagnosis {
  const { ok, warn } = verdicts('clock', about)
  const off = Math.abs(aheadMs)
  if (off <= SKEW_MS + roundTripMs / 2) return ok(`as ${than} has it, within ${seconds(SKEW_MS)}`)
  const which = `${seconds(off)} ${aheadMs > 0 ? 'ahead of' : 'behind'} ${than}`
  return warn(
    `${which}; nothing is decided by clocks, but times in log and status mislead`,
    'Let NTP set both clocks: timedatectl set-ntp true',
  )
}

function seconds(ms: number): string {
  return ms < 10_000 ? `${(ms / 1000).toFixed(1)} s` : `${Math.round(ms / 1000)} s`
}

function evaluateBalancer({ about, url, identities }: ServerFacts, clustered: boolean): Diagnosis {
  const { ok, warn, fail } = verdicts('balancer', about)
  const servers = new Set(identities)
  if (servers.size <= 1) return ok(`one server answers ${identities.length} connections`)
  const found = `${servers.size} servers answer at ${url}`
  if (about === 'source')
    return warn(
      `${found}: what one has and another lacks is missing in a result`,
      'Set SOURCE_CLICKHOUSE_URL to one of them',
    )
  if (clustered) return ok(`${found}, of a cluster`)
  return fail(
    `${found}: tables, ledger and locks would be scattered over them`,
    'Set TARGET_CLICKHOUSE_URL to one of them',
  )
}
