// Owns reading the `.sql` files of a folder, and the errors for unreadable files and folders.
import { readdir, readFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { usageError } from '../model/errors.ts'
import type { SqlFile } from './definitions.ts'

/** The `.sql` files of a folder by name; ignores sub-folders and other files. */
export async function readSqlFiles(folder: string, { optional = false } = {}): Promise<readonly SqlFile[]> {
  const names = await readdir(folder).catch((error: unknown) => {
    if (optional && (error as NodeJS.ErrnoException).code === 'ENOENT') return []
    return unreadable(folder, error)
  })
  const sqlNames = names.filter((name) => name.endsWith('.sql') && !name.startsWith('.')).toSorted()
  return Promise.all(
    sqlNames.map(async (name) => {
      const path = join(folder, name)
      const bytes = await readFile(path).catch((error: unknown) => unreadable(path, error))
      return { key: name.slice(0, -'.sql'.length), file: shown(path), bytes, text: bytes.toString('utf8') }
    }),
  )
}

export function unreadable(path: string, error: unknown): never {
  const { code } = error as NodeJS.ErrnoException
  const why = code === 'ENOENT' ? 'it does not exist' : (code ?? String(error))
  throw usageError(
    `cannot read ${shown(path)} of the SQL folder: ${why}`,
    'name the folder with --sql <folder> or BACKFILL_SQL',
  )
}

/** Relative to the working directory if that is shorter. */
export function shown(path: string): string {
  const fromHere = relative(process.cwd(), path)
  return fromHere !== '' && fromHere.length < path.length ? fromHere : path
}
