// Owns the errors of files that cannot be fetched or read, and whether a retry may help.
import { BackfillError } from '../../../model/errors.ts'

export function passing(message: string, cause?: unknown): BackfillError {
  return new BackfillError(message, {
    kind: 'failed',
    retry: 'retry',
    rangeOnly: true,
    hint: 'Run backfill import again: it resumes where it stopped',
    cause,
  })
}

/** The file itself is broken: other files continue. */
export function broken(message: string, hint = BROKEN_HINT, cause?: unknown): BackfillError {
  return new BackfillError(message, { kind: 'failed', rangeOnly: true, hint, cause })
}

const BROKEN_HINT = 'Its blocks are not imported; run backfill import again when the file is fixed'

/** The error's message. For a host with several addresses: the failure of the first address. */
export function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return messageOf(error.errors[0])
  return error instanceof Error ? error.message : String(error)
}
