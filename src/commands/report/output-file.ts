// Owns writing the page into a file that may be there already, and may be something else than a file.
import { lstat, rename, rm, writeFile } from 'node:fs/promises'
import { usageError } from '../../model/errors.ts'
import { randomId } from '../../seam/random.ts'

/** Readers have the earlier page or this one. A device is written as it is. @throws BackfillError `usage`, for a link too */
export async function replaceFile(file: string, text: string): Promise<void> {
  const found = await lstat(file).catch(() => undefined)
  if (found?.isSymbolicLink())
    throw usageError(`${file} is a link`, 'name the file itself with --output; - stands for standard output')
  const unfinished = `${file}.${randomId()}`
  try {
    if (found?.isFile() === false) return await writeFile(file, text)
    await writeFile(unfinished, text, { flag: 'wx' })
    await rename(unfinished, file)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    await rm(unfinished, { force: true })
    throw usageError(
      `cannot write ${file}: ${code}`,
      'name a file in a folder that can be written with --output',
    )
  }
}
