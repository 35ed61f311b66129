// Owns the one error class that people may see: a sentence, a place, a cure, and the exit code it leads to.

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

export type ErrorDetails = {
  readonly kind: ErrorKind
  /** The next command to type, or what to change. */
  readonly hint?: string
  /** ClickHouse's error code, 0 where the server said nothing. */
  readonly code?: number
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

  constructor(message: string, details: ErrorDetails) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.kind = details.kind
    this.hint = details.hint
    this.code = details.code ?? 0
  }
}

/** What a person typed, configured or wrote into an SQL file is wrong: nothing has been written. Exit 2. */
export function usageError(message: string, hint?: string): BackfillError {
  return new BackfillError(message, hint === undefined ? { kind: 'usage' } : { kind: 'usage', hint })
}
