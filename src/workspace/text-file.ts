// Owns reading small text files of people (`.env`, passwords, certificates) as editors and secret managers write them.
import { readFileSync } from 'node:fs'
import { usageError } from '../model/errors.ts'
import { fileUser, isInImage } from '../seam/process.ts'

/**
 * The text of a file in UTF-8 or, with a byte order mark, in UTF-16; without the mark.
 * @throws the file system's error; a TypeError if the bytes are not text in that encoding
 */
export function readText(path: string): string {
  const bytes = readFileSync(path)
  const [first, second] = bytes
  const encoding =
    first === 0xff && second === 0xfe ? 'utf-16le' : first === 0xfe && second === 0xff ? 'utf-16be' : 'utf-8'
  return new TextDecoder(encoding, { fatal: true }).decode(bytes)
}

/** Why a file could not be read, in words. */
export function whyUnreadable(cause: unknown): string {
  if (cause instanceof TypeError) return 'it is not text in UTF-8 or UTF-16'
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
