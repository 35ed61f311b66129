// Owns the one error class for people: a sentence, a place, a hint (maybe the known name that was meant) and an exit code; and what
// becomes of an error in a file: thrown at once, or collected while reading continues.
import type { RuleId } from './rules.ts'

/** Exit codes of the command line (docs/reference/configuration.md lists them; the numbers are part of the interface). */
export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 2,
  pending: 3,
  stale: 4,
  locked: 5,
  server: 6,
  different: 7,
  absent: 8,
} as const

export type ErrorKind = 'failed' | 'usage' | 'locked' | 'server'

export type Finding = {
  readonly rule: RuleId
  readonly file: string
  /** 1-based; undefined if the error is about the whole file. */
  readonly line?: number | undefined
  readonly sentence: string
  readonly hint: string
}

/** How to go on after a failure. Decided once, where the error is created. */
export type RetryDecision =
  /** Transient: repeat the work after a pause. */
  | 'retry'
  /** The server is silent or refuses logins: wait until it answers, ask for the fate of the work, then repeat. */
  | 'reconnect'
  /** Too much work at once: repeat in halves. */
  | 'split'
  /** Permanent: stop. */
  | 'stop'

export type ErrorDetails = {
  readonly kind: ErrorKind
  readonly finding?: Finding
  /** The next command to type, or what to change. */
  readonly hint?: string | undefined
  /** ClickHouse's error code, 0 if the server sent none. */
  readonly code?: number
  /** Default: `stop`. */
  readonly retry?: RetryDecision
  /** Only this range is affected: other ranges of the table may succeed. */
  readonly rangeOnly?: boolean
  /** Of `locked`: the command that holds the lock, if known. */
  readonly heldBy?: string | undefined
  readonly cause?: unknown
}

/** Its message may be printed unchanged: one sentence, without a stack and without a password. Any other thrown error is a defect. */
export class BackfillError extends Error {
  override readonly name = 'BackfillError'
  readonly kind: ErrorKind
  readonly hint: string | undefined
  readonly code: number
  readonly retry: RetryDecision
  readonly rangeOnly: boolean
  readonly heldBy: string | undefined
  readonly finding: Finding | undefined

  constructor(message: string, details: ErrorDetails) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.kind = details.kind
    this.hint = details.hint
    this.code = details.code ?? 0
    this.retry = details.retry ?? 'stop'
    this.rangeOnly = details.rangeOnly ?? false
    this.heldBy = details.heldBy
    this.finding = details.finding
  }
}

/** Whatever was to be opened, it is not to blame, and neither is its server. `code`: of an error of Node. */
export function openFilesHint(code: unknown): string | undefined {
  return code === 'EMFILE' || code === 'ENFILE'
    ? 'no more files may be open: ulimit -n 4096 raises the limit (LimitNOFILE= of systemd)'
    : undefined
}

export function retryOf(error: unknown): RetryDecision {
  return error instanceof BackfillError ? error.retry : 'stop'
}

/** A flag, the configuration or an SQL file is wrong; nothing has been written. Exit 2. */
export function usageError(message: string, hint?: string): BackfillError {
  return new BackfillError(message, { kind: 'usage', hint })
}

/** A server is unreachable, refuses the login, or is not what was agreed. Exit 6. */
export function serverProblem(
  message: string,
  hint: string | undefined,
  more: Pick<ErrorDetails, 'code' | 'cause'> = {},
): BackfillError {
  return new BackfillError(message, { kind: 'server', hint, ...more })
}

/** The work itself failed, and no other attempt would help without a person. Exit 1. */
export function failedError(message: string, hint?: string): BackfillError {
  return new BackfillError(message, { kind: 'failed', hint })
}

export function fileError(finding: Finding): BackfillError {
  const { file, line, sentence, hint } = finding
  const place = line === undefined ? file : `${file}:${line}`
  return new BackfillError(`${place}: ${sentence}`, { kind: 'usage', hint, finding })
}

/** Receives an error in a file. If it returns, the caller continues without the unreadable part. */
export type Report = (error: BackfillError) => void

/** Throws the first error: for callers that need a correct file. */
export const refuse: Report = (error) => {
  throw error
}

/** For callers that do without what is wrong. */
export const ignore: Report = () => {}

/** The result of `read`; undefined if it throws an error in a file, which is reported. */
export function attempt<Value>(report: Report, read: () => Value): Value | undefined {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof BackfillError)) throw error
    report(error)
    return undefined
  }
}

export function nearest(name: string, known: readonly string[]): string | undefined {
  let best: string | undefined
  let least = Math.max(1, Math.floor(name.length / 3)) + 1
  for (const candidate of known) {
    const distance = editDistance(name, candidate)
    if (distance < least) [best, least] = [candidate, distance]
  }
  return best
}

/** A hint for an unknown name: `did you mean 'address_diffs'? Known tables: …`. */
export function knownNames(what: string, name: string, known: readonly string[]): string {
  const meant = nearest(name, known)
  const list = known.length === 0 ? `there are no known ${what}` : `known ${what}: ${known.join(', ')}`
  return meant === undefined ? list : `did you mean '${meant}'? ${list}`
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const replaced = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(replaced, row[j]! + 1, next[j - 1]! + 1))
    }
    row = next
  }
  return row[b.length]!
}
