// Owns what `backfill doctor` says: its checks by id, in the order and the groups in which they are shown, and a finding.

/** Check -> the group under which it is shown. docs/doctor.md has a line for each. */
export const CHECKS = {
  node: 'Servers',
  reach: 'Servers',
  version: 'Servers',
  clock: 'Servers',
  balancer: 'Servers',
  silence: 'Connection',
  streaming: 'Connection',
  settings: 'Rights',
  profile: 'Rights',
  grants: 'Rights',
  nodes: 'Cluster',
  replicas: 'Cluster',
  keeper: 'Cluster',
  disk: 'Storage',
  parts: 'Storage',
  mutations: 'Storage',
  merges: 'Storage',
  ledger: 'Ledger',
  fold: 'Ledger',
  emptied: 'Ledger',
  dirty: 'Ledger',
  texts: 'Ledger',
  locks: 'Ledger',
  'sql-files': 'Tables',
  sources: 'Tables',
  targets: 'Tables',
  mode: 'Tables',
} as const

export type CheckId = keyof typeof CHECKS

export type Verdict = 'ok' | 'warn' | 'fail'

export type Diagnosis = {
  readonly check: CheckId
  readonly verdict: Verdict
  /** A side, a table key, a database or a disk; empty where it is about all. */
  readonly about: string
  readonly found: string
  /** The next command, statement or GRANT to type; never where the verdict is `ok`, always where it is not. */
  readonly hint?: string
}

/** Of one check about one thing. */
export function verdicts(check: CheckId, about: string) {
  return {
    ok: (found: string): Diagnosis => ({ check, verdict: 'ok', about, found }),
    warn: (found: string, hint: string): Diagnosis => ({ check, verdict: 'warn', about, found, hint }),
    fail: (found: string, hint: string): Diagnosis => ({ check, verdict: 'fail', about, found, hint }),
  }
}

/** What a server answered, or why it did not. */
export type Asked<T> = { readonly got: T } | { readonly refused: Refused }

export type Refused = {
  readonly sentence: string
  /** What lets the question pass, where that is known: a GRANT mostly. */
  readonly hint?: string | undefined
}

/** A question that was refused is no failure of what it is about: nobody knows. */
export function unknown(check: CheckId, about: string, { sentence, hint }: Refused): Diagnosis {
  return verdicts(check, about).warn(
    `not known: ${sentence}`,
    hint ?? 'Ask again; if it stays so, look into the log of the server',
  )
}

/** Judges an answer; what was refused is not known. */
export function evaluated<T>(
  check: CheckId,
  about: string,
  asked: Asked<T>,
  evaluate: (got: T) => readonly Diagnosis[],
): readonly Diagnosis[] {
  return 'got' in asked ? evaluate(asked.got) : [unknown(check, about, asked.refused)]
}

/** `a, b, c`; of many the first few. */
export function listed(names: readonly string[], shown = 4): string {
  if (names.length <= shown) return names.join(', ')
  return `${names.slice(0, shown).join(', ')} and ${names.length - shown} more`
}
