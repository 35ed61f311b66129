// Owns a finding of `backfill doctor`: check, status, subject, sentence and hint.
import { BackfillError } from '../../model/errors.ts'
import { missingGrant } from '../../clickhouse/error-codes.ts'
import { errorCode, messageOf } from '../../clickhouse/server-error.ts'
import type { Connection } from '../../clickhouse/connection.ts'

/** The order of groups in the output; groups that only SQL files name come last. */
export const GROUPS: readonly string[] = [
  'Servers',
  'Connection',
  'Rights',
  'Cluster',
  'Storage',
  'Ledger',
  'Tables',
]

/** The checks that need more than an SQL file (see sql/doctor/ for the others), and the group of each. */
export const BUILT_IN = {
  reach: 'Servers',
  balancer: 'Servers',
  'idle-timeout': 'Connection',
  buffering: 'Connection',
  settings: 'Rights',
  profile: 'Rights',
  'row-policies': 'Rights',
  cluster: 'Cluster',
  fold: 'Ledger',
  'unknown-rows': 'Ledger',
  readiness: 'Tables',
  misfit: 'Tables',
  'sql-files': 'Tables',
} as const

/** `server`: source and target are one login on one server. */
export type Role = 'source' | 'target' | 'server'

export type CheckStatus = 'ok' | 'warn' | 'fail'

export type Finding = {
  readonly check: string
  readonly group: string
  readonly status: CheckStatus
  /** A server, a table, a disk, a cluster; empty for a finding about everything. */
  readonly subject: string
  readonly finding: string
  readonly hint: string | undefined
}

export function findings(check: keyof typeof BUILT_IN, subject: string) {
  return findingsIn({ check, group: BUILT_IN[check] }, subject)
}

export function findingsIn(place: Pick<Finding, 'check' | 'group'>, subject: string) {
  const of = (status: CheckStatus, finding: string, hint?: string): Finding => {
    return { ...place, status, subject, finding, hint }
  }
  return {
    ok: (finding: string) => of('ok', finding),
    warn: (finding: string, hint: string) => of('warn', finding, hint),
    fail: (finding: string, hint: string) => of('fail', finding, hint),
    /** A refused query does not mean that its subject failed: the result is unknown. */
    unknown: ({ reason, hint }: Omit<Refusal, 'code'>) =>
      of('warn', `not known: ${reason}`, hint ?? ASK_AGAIN),
  }
}

const ASK_AGAIN = 'Ask again; if it persists, look into the log of the server'

export type Refusal = {
  readonly reason: string
  /** What makes the query succeed, if known: usually a GRANT. */
  readonly hint: string | undefined
  readonly code: number
  readonly kind: BackfillError['kind']
}

export type Asked<T> = { readonly got: T } | { readonly refused: Refusal }

export type Say = ReturnType<typeof findingsIn>

/** What `evaluate` finds; that it is unknown, if the server refuses its question; that it fails, if a run would be refused for the same reason. */
export async function evaluated(
  say: Say,
  connection: Connection,
  evaluate: (say: Say) => Promise<Finding | readonly Finding[]>,
): Promise<readonly Finding[]> {
  const asked = await asking(connection, async () => [await evaluate(say)].flat())
  if ('got' in asked) return asked.got
  const { kind, reason, hint } = asked.refused
  return [kind === 'usage' ? say.fail(reason, hint ?? ASK_AGAIN) : say.unknown(asked.refused)]
}

/** @throws errors that come neither from a server nor from a connection: they are defects of this program */
export async function asking<T>(connection: Connection, ask: () => Promise<T>): Promise<Asked<T>> {
  try {
    return { got: await ask() }
  } catch (error) {
    if (!(error instanceof Error) || error instanceof TypeError) throw error
    const isOurs = error instanceof BackfillError
    // The wrapped error has more details about a missing right.
    const message = messageOf(isOurs ? (error.cause ?? error) : error)
    const hint = missingGrant(message, connection) ?? (isOurs ? error.hint : undefined)
    const code = isOurs ? error.code : errorCode(error)
    return {
      refused: { reason: isOurs ? error.message : message, hint, code, kind: isOurs ? error.kind : 'server' },
    }
  }
}
