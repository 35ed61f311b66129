// Owns reporting an error in a file: it is thrown at once, or collected while reading continues.
import { BackfillError } from '../model/errors.ts'

/** Receives an error in a file. If it returns, the caller continues without the unreadable part. */
export type Report = (error: BackfillError) => void

/** Throws the first error: for callers that need a correct file. */
export const refuse: Report = (error) => {
  throw error
}

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
