// Owns the look of an error: one sentence, the hint below it, a stack only on request. Pure.
import { BackfillError, EXIT } from '../../model/errors.ts'
import type { Colors } from './format.ts'

export type ErrorStyle = { readonly colors: Colors; readonly stack: boolean }

/** An error that is not a BackfillError is a defect of this program; the line says so. */
export function errorLines(error: unknown, { colors, stack }: ErrorStyle): readonly string[] {
  const trace =
    stack && error instanceof Error ? [...(error.stack ?? '').split('\n'), ...causes(error.cause)] : []
  const head = `${colors.red('backfill:')} ${oneLine(error instanceof Error ? error.message : String(error))}`
  if (error instanceof BackfillError) {
    return [head, ...(error.hint === undefined ? [] : [`  ${colors.dim(error.hint)}`]), ...trace]
  }
  const more = stack ? [] : ['  BACKFILL_DEBUG=1 shows where.']
  return [`${head} (this is a defect of backfill, please report it)`, ...more, ...trace]
}

export function exitCodeOf(error: unknown): number {
  return error instanceof BackfillError ? EXIT[error.kind] : EXIT.failed
}

export function oneLine(text: string): string {
  // Not by one pattern: blanks before a line break that never comes take quadratic time.
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .join(' ')
}

function causes(cause: unknown): readonly string[] {
  return cause instanceof Error ? [`caused by ${cause.stack ?? cause.message}`, ...causes(cause.cause)] : []
}
