// Owns the one error class that people may see: a sentence, a place, a hint, and the exit code it leads to.

import type { RuleId } from './rules.ts'

/** Exit codes of the command line (docs/operations.md lists them; the numbers are part of the interface). */
export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 2,
  pending: 3,
  stale: 4,
  locked: 5,
  server: 6,
  different: 7,
} as const

export type ErrorKind = 'failed' | 'usage' | 'locked' | 'server'

/** What is wrong in a file, by the rule of `backfill check` that says so. */
export type Finding = {
  readonly rule: RuleId
  readonly file: string
  /** 1-based; undefined where the whole file is meant. */
  readonly line?: number | undefined
  readonly sentence: string
  /** What to change. */
  readonly hint: string
}

/** What is to be done about work that failed. Decided once, where the error is made. */
export type RetryDecision =
  /** It passes by itself: the same again, after a pause. */
  | 'retry'
  /** The server has said nothing, or lets nobody in: wait until it answers, ask what became of the work, then again. */
  | 'reconnect'
  /** It was too much at once: in halves. */
  | 'split'
  /** It would fail again. */
  | 'stop'

export type ErrorDetails = {
  readonly kind: ErrorKind
  readonly finding?: Finding
  /** The next command to type, or what to change. */
  readonly hint?: string | undefined
  /** ClickHouse's error code, 0 where the server said nothing. */
  readonly code?: number
  /** `stop` where nothing is said. */
  readonly retry?: RetryDecision
  /** It is about these blocks only: others of the table may well succeed. */
  readonly rangeOnly?: boolean
  readonly cause?: unknown
}

/**
 * An error whose message may be printed as it stands: one sentence, what is wrong with the value and the place,
 * without a stack and without a password. Everything else that is thrown is a defect of this program.
 */
export class BackfillError extends Error {
  override readonly name = 'BackfillError'
  readonly kind: ErrorKind
  readonly hint: string | undefined
  readonly code: number
  readonly retry: RetryDecision
  readonly rangeOnly: boolean
  /** Where a file is wrong: by which rule, and where. */
  readonly finding: Finding | undefined

  constructor(message: string, details: ErrorDetails) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.kind = details.kind
    this.hint = details.hint
    this.code = details.code ?? 0
    this.retry = details.retry ?? 'stop'
    this.rangeOnly = details.rangeOnly ?? false
    this.finding = details.finding
  }
}

/** The decision on whatever was thrown: a defect of this program stops the work. */
export function retryOf(error: unknown): RetryDecision {
  return error instanceof BackfillError ? error.retry : 'stop'
}

/** What a person typed, configured or wrote into an SQL file is wrong: nothing has been written. Exit 2. */
export function usageError(message: string, hint?: string): BackfillError {
  return new BackfillError(message, { kind: 'usage', hint })
}

/** A file is wrong, and a rule says so. Exit 2. */
export function fileError(finding: Finding): BackfillError {
  const { file, line, sentence, hint } = finding
  const place = line === undefined ? file : `${file}:${line}`
  return new BackfillError(`${place}: ${sentence}`, { kind: 'usage', hint, finding })
}
