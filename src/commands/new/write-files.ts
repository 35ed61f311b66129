// Owns writing the files of a new table: all or none, and never over a file that exists.
import { access, mkdir, rm, writeFile } from 'node:fs/promises'
import { dirname, join, sep } from 'node:path'
import { usageError } from '../../model/errors.ts'
import type { ScaffoldTexts } from './scaffold.ts'
import { isLockName } from '../../model/table-key.ts'
import { shown } from '../../project/sql-files.ts'

/** Its lock, `<network>__<key>__<epoch>`, is the name of a file on the server's disk. */
const LONGEST_KEY = 80

/** @throws BackfillError `usage` for a word that is no table key */
export function assertGoodKey(key: string): void {
  const hint = 'use lower-case letters, digits and single _, a letter first, such as gas_per_block'
  if (!isLockName(key)) throw usageError(`'${key}' is no table key`, hint)
  if (key.length > LONGEST_KEY)
    throw usageError(`the table key has ${key.length} characters`, `use up to ${LONGEST_KEY}`)
}

/** @throws BackfillError `usage` for the folder of an installed package, which the next install replaces */
export function assertOwnFolder(folder: string): void {
  if (!folder.split(sep).includes('node_modules')) return
  throw usageError(
    `${shown(folder)} belongs to an installed package: the next install would remove what is added`,
    `copy it and name the copy: cp -r ${shown(folder)} sql, then add --sql sql or set BACKFILL_SQL`,
  )
}

/** Writes the files and returns their paths as shown to people. @throws BackfillError `usage` where one exists already */
export async function writeNewTable(
  folder: string,
  key: string,
  { ddl, transform, test }: ScaffoldTexts,
): Promise<readonly string[]> {
  const files: readonly (readonly [path: string, text: string])[] = [
    [join(folder, 'ddl', `${key}.sql`), ddl],
    [join(folder, 'transforms', `${key}.sql`), transform],
    [join(folder, 'tests', key, 'range.yaml'), test],
  ]
  for (const [path] of files) if (await isThere(path)) throw alreadyThere(path)
  const written: string[] = []
  try {
    for (const [path, text] of files) {
      await mkdir(dirname(path), { recursive: true })
      await writeFile(path, text, { flag: 'wx' })
      written.push(path)
    }
  } catch (error) {
    for (const path of written) await rm(path, { force: true })
    const [path = folder] = files[written.length] ?? []
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EEXIST') throw alreadyThere(path)
    throw usageError(
      `cannot write ${shown(path)}: ${code}`,
      'name a folder that can be written with --sql <folder>',
    )
  }
  return written.map(shown)
}

function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}

function alreadyThere(path: string): Error {
  return usageError(`${shown(path)} exists already`, 'choose another key, or remove the file first')
}
