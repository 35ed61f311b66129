// Owns changing a file of the SQL folder: the whole of it, or nothing.
import { createHash } from 'node:crypto'
import { access, constants, readFile, realpath, rename, rm, stat, writeFile } from 'node:fs/promises'
import { BackfillError, usageError } from '../model/errors.ts'
import { randomId } from '../seam/random.ts'
import { shown } from './sql-files.ts'

/** A full disk leaves it as it was. @param rawHash sha256 (hex) of its bytes when it was read @throws BackfillError `usage` if it has changed since */
export async function changeFile(path: string, rawHash: string, text: string): Promise<void> {
  const real = await realpath(path)
  const unfinished = `${real}.${randomId()}.tmp`
  try {
    const found = createHash('sha256')
      .update(await readFile(real))
      .digest('hex')
    if (found !== rawHash)
      throw usageError(`${shown(path)} has changed meanwhile`, 'run `backfill check --fix` again')
    const { mode } = await stat(real)
    // A rename would replace it all the same.
    if ((mode & 0o222) === 0)
      throw usageError(`${shown(path)} is read-only`, 'make it writable, or edit it by hand')
    await access(real, constants.W_OK)
    await writeFile(unfinished, text, { flag: 'wx', mode })
    await rename(unfinished, real)
  } catch (error) {
    await rm(unfinished, { force: true })
    const { code } = error as NodeJS.ErrnoException
    throw error instanceof BackfillError || code === undefined
      ? error
      : usageError(`cannot write ${shown(path)}: ${code}`, 'let the user that runs backfill write it')
  }
}
