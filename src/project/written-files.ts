// Owns writing files of the SQL folder, all or nothing: new ones, never over an existing file, and a changed one.
import { access, mkdir, rm, writeFile, constants, readFile, realpath, rename, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { usageError, BackfillError } from '../model/errors.ts'
import { assertInside, shown } from './sql-files.ts'
import { sha256 } from './sql-hash.ts'
import { randomId } from '../seam/random.ts'

/** @throws BackfillError `usage` if a file exists already */
export async function assertAbsent(path: string): Promise<void> {
  if ((await nearestFolder(path)) === path) throw alreadyThere(path)
}

/** Path -> text, and the folders above. @throws BackfillError `usage` if one exists, cannot be written, or would lie outside of `root`; none is left */
export async function writeNewFiles(root: string, files: ReadonlyMap<string, string>) {
  for (const path of files.keys()) {
    await assertAbsent(path)
    await assertInside(root, await nearestFolder(dirname(path)))
  }
  const made: string[] = []
  for (const [path, text] of files) {
    try {
      await makeFolders(dirname(path), made)
      await writeFile(path, text, { flag: 'wx' })
      made.push(path)
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      // A full disk leaves a file with the beginning of its text.
      for (const other of ['EEXIST', 'ENOTDIR'].includes(code ?? '') ? made : [...made, path])
        await rm(other, { force: true, recursive: true })
      if (code === 'EEXIST' && (error as NodeJS.ErrnoException).path === path) throw alreadyThere(path)
      if (code === 'EEXIST' || code === 'ENOTDIR')
        throw usageError(
          `cannot write ${shown(path)}: a file is in the place of a folder above it`,
          'name another folder',
        )
      throw usageError(
        `cannot write ${shown(path)}: ${code}`,
        ['ENOSPC', 'EDQUOT', 'EFBIG'].includes(code ?? '')
          ? 'make room on that disk; nothing is left of the new files'
          : 'name a folder that can be written',
      )
    }
  }
  return [...files.keys()].map(shown)
}

/** One by one: where a file system answers ENOENT to all (/proc), Node's `recursive` never ends. What is made is added to `made`. */
async function makeFolders(path: string, made: string[]): Promise<void> {
  if ((await nearestFolder(path)) === path) return
  await makeFolders(dirname(path), made)
  try {
    await mkdir(path)
    made.push(path)
  } catch (error) {
    // Another process may have made it.
    if ((await nearestFolder(path)) !== path) throw error
  }
}

/** The folder itself or, of those above it, the nearest one that exists. */
export async function nearestFolder(path: string): Promise<string> {
  return await access(path).then(
    () => path,
    () => nearestFolder(dirname(path)),
  )
}

function alreadyThere(path: string): Error {
  return usageError(
    `${shown(path)} exists already`,
    'choose another name, or remove the file first: a file is never overwritten',
  )
}

/** A full disk leaves it as it was. @param rawHash sha256 (hex) of its bytes when it was read @throws BackfillError `usage` if it has changed since */
export async function changeFile(path: string, rawHash: string, text: string): Promise<void> {
  const real = await realpath(path)
  const unfinished = `${real}.${randomId()}.tmp`
  try {
    if (sha256(await readFile(real)) !== rawHash)
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
