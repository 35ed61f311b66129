// Owns reading small text files of people (`.env`, passwords, certificates) as editors and secret managers write them.
import { closeSync, openSync, readSync } from 'node:fs'
import { usageError } from '../model/errors.ts'
import { fileUser, isInImage } from '../seam/process.ts'

/** More than any password, list of certificates or `.env`. */
const MAX_FILE_BYTES = 1024 * 1024

/** The bytes of a file, a pipe or a device, which may have no end. */
function readUpTo(path: string, limit: number): Buffer {
  const file = openSync(path, 'r')
  try {
    const bytes = Buffer.alloc(limit + 1)
    let length = 0
    for (let got = 1; got > 0 && length <= limit; length += got)
      got = readSync(file, bytes, length, limit + 1 - length, null)
    if (length > limit) throw new RangeError(`it has more than ${limit} bytes`)
    return bytes.subarray(0, length)
  } finally {
    closeSync(file)
  }
}

/** The text of a file in UTF-8 or, with a byte order mark, UTF-16. @throws TypeError if it is neither; RangeError */
export function readText(path: string): string {
  const bytes = readUpTo(path, MAX_FILE_BYTES)
  const encoding = { fffe: 'utf-16le', feff: 'utf-16be' }[bytes.toString('hex', 0, 2)] ?? 'utf-8'
  return new TextDecoder(encoding, { fatal: true }).decode(bytes)
}

export function whyUnreadable(cause: unknown): string {
  if (cause instanceof TypeError) return 'it is not text in UTF-8 or UTF-16'
  if (cause instanceof RangeError) return cause.message
  return (cause as NodeJS.ErrnoException).code ?? String(cause)
}

/** The text of a file that a login needs. @throws BackfillError `usage` naming the file and the variable that names it */
export function readLoginFile(path: string, place: string, what: string): string {
  try {
    return readText(path)
  } catch (cause) {
    const why = whyUnreadable(cause)
    throw usageError(
      `cannot read the ${what} file ${path} of ${place}: ${why}`,
      why === 'EACCES'
        ? `let ${fileUser()} read it${isInImage() ? ': a file mounted into a container keeps its owner and mode' : ''}`
        : 'create it, or correct the path',
    )
  }
}
