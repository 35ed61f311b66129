// Owns a finding of `backfill doctor`: its check, its status, what it is about, what was found, and what to type.
import { BackfillError } from '../../model/errors.ts'
import { missingGrant } from '../../sql-syntax/missing-grant.ts'
import type { Connection } from '../../clickhouse/connection.ts'
import { errorCode, messageOf } from '../../clickhouse/server-error.ts'

/** The order in which groups are shown; groups that only SQL files name come last. */
export const GROUPS: readonly string[] = [
  'Servers',
  'Connection',
  'Rights',
  'Cluster',
  'Storage',
  'Ledger',
  'Tables',
]

/** The checks that no SQL file can make (see sql/doctor/ for the others), and the group of each. */
export const BUILT_IN = {
  reach: 'Servers',
  clock: 'Servers',
  balancer: 'Servers',
  'idle-timeout': 'Connection',
  buffering: 'Connection',
  settings: 'Rights',
  profile: 'Rights',
  cluster: 'Cluster',
  fold: 'Ledger',
  'sql-files': 'Tables',
} as const

export type CheckStatus = 'ok' | 'warn' | 'fail'

export type Finding = {
  /** A built-in check, or the name of its SQL file. */
  readonly check: string
  readonly group: string
  readonly status: CheckStatus
  /** A server, a table, a disk, a cluster; empty where it is about all. */
  readonly subject: string
  readonly finding: string
  /** The next command, statement or GRANT to type; undefined where the status is `ok`. */
  readonly hint: string | undefined
}

/** Findings of one built-in check about one subject. */
export function findings(check: keyof typeof BUILT_IN, subject: string) {
  const of = (status: CheckStatus, finding: string, hint?: string): Finding => ({
    check,
    group: BUILT_IN[check],
    status,
    subject,
    finding,
    hint,
  })
  return {
    ok: (finding: string) => of('ok', finding),
    warn: (finding: string, hint: string) => of('warn', finding, hint),
    fail: (finding: string, hint: string) => of('fail', finding, hint),
    /** A refused question is no failure of its subject: nobody knows. */
    unknown: ({ reason, hint }: Omit<Refusal, 'code'>) =>
      of('warn', `not known: ${reason}`, hint ?? ASK_AGAIN),
  }
}

export const ASK_AGAIN = 'Ask again; if it persists, look into the log of the server'

/** Why a server did not answer. */
export type Refusal = {
  readonly reason: string
  /** What makes the question pass, where that is known: a GRANT mostly. */
  readonly hint: string | undefined
  /** ClickHouse's error code, 0 where the server said nothing. */
  readonly code: number
}

/** What a server answered, or why it did not. */
export type Asked<T> = { readonly got: T } | { readonly refused: Refusal }

/** @throws what is an error neither of a server nor of a connection: a defect of this program is no answer */
export async function asking<T>({ username }: Connection, ask: () => Promise<T>): Promise<Asked<T>> {
  try {
    return { got: await ask() }
  } catch (error) {
    if (!(error instanceof Error) || error instanceof TypeError) throw error
    const isOurs = error instanceof BackfillError
    // The wrapped error says more about a missing right.
    const message = messageOf(isOurs ? (error.cause ?? error) : error)
    const hint = missingGrant(message, username) ?? (isOurs ? error.hint : undefined)
    const code = isOurs ? error.code : errorCode(error)
    return { refused: { reason: isOurs ? error.message : message, hint, code } }
  }
}
