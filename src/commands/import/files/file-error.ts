// Owns what is said of a file that cannot be had, and whether trying again may help.
import { BackfillError } from '../../../model/errors.ts'

/** It may go well the next time: a server that is busy, a connection that broke. */
export function passing(message: string, cause?: unknown): BackfillError {
  return new BackfillError(message, {
    kind: 'failed',
    retry: 'retry',
    rangeOnly: true,
    hint: 'Run backfill import again: it goes on where it was',
    cause,
  })
}

/** The file itself is not as it should be: the others go on. */
export function broken(message: string, hint = BROKEN_HINT, cause?: unknown): BackfillError {
  return new BackfillError(message, { kind: 'failed', rangeOnly: true, hint, cause })
}

const BROKEN_HINT = 'Its blocks are not imported; run backfill import again when the file is mended'

/** What went wrong, in few words. Of a host with several addresses each is tried: the first one's failure will do. */
export function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return messageOf(error.errors[0])
  return error instanceof Error ? error.message : String(error)
}
