// Owns what happens to an error of a file: it ends the reading at once, or is noted while the reading goes on.
import { BackfillError } from '../model/errors.ts'

/** Takes an error of a file. Where it returns, the caller goes on without what could not be read. */
export type Report = (error: BackfillError) => void

/** The first error ends it: for all that works with what it reads. */
export const refuse: Report = (error) => {
  throw error
}

/** What `read` returns; undefined where it throws an error of a file, which is reported. */
export function attempt<Value>(report: Report, read: () => Value): Value | undefined {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof BackfillError)) throw error
    report(error)
    return undefined
  }
}
