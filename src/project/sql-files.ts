// Owns reading the `.sql` files of a folder, and the errors for unreadable files and folders.
import { readdir, readFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { usageError } from '../model/errors.ts'
import { fileUser } from '../seam/process.ts'
import type { SqlFile } from './definitions.ts'

/** The `.sql` files of a folder by name; ignores sub-folders and other files. */
export async function readSqlFiles(folder: string, { optional = false } = {}): Promise<readonly SqlFile[]> {
  const names = await readdir(folder).catch((error: unknown) => {
    if (optional && (error as NodeJS.ErrnoException).code === 'ENOENT') return []
    return unreadable(folder, error)
  })
  const sqlNames = names.filter((name) => name.endsWith('.sql') && !isLeftover(name)).toSorted()
  return Promise.all(
    sqlNames.map(async (name) => {
      const path = join(folder, name)
      const bytes = await readFile(path).catch((error: unknown) =>
        unreadable(path, error, { isListed: true }),
      )
      return { key: name.slice(0, -'.sql'.length), file: shown(path), bytes, text: bytes.toString('utf8') }
    }),
  )
}

/**
 * @param isListed the folder has a file of that name
 * @throws BackfillError `usage`, with the hint that fits the reason
 */
export function unreadable(path: string, error: unknown, { isListed = false } = {}): never {
  const { code = String(error) } = error as NodeJS.ErrnoException
  const missing = isListed ? 'it is a link to a file that does not exist' : 'it does not exist'
  throw usageError(
    `cannot read ${shown(path)} of the SQL folder: ${code === 'ENOENT' ? missing : code}`,
    hintFor(code, isListed),
  )
}

function hintFor(code: string, isListed: boolean): string {
  if (code === 'EACCES' || code === 'EPERM') return `let ${fileUser()} read it`
  if (isListed) return 'correct it, or remove it'
  return 'name the folder with --sql <folder> or BACKFILL_SQL'
}

/** Whether a file is what an editor or a system left behind: nobody's test, table or data. */
export function isLeftover(name: string): boolean {
  return /^\.|~$|^#.*#$|\.(swp|swo|orig|rej|bak|tmp)$|^(Thumbs\.db|desktop\.ini)$/i.test(name)
}

/** Relative to the working directory if that is shorter. */
export function shown(path: string): string {
  const fromHere = relative(process.cwd(), path)
  return fromHere !== '' && fromHere.length < path.length ? fromHere : path
}
