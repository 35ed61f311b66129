// Owns folders that hold a folder for each table, by its key: `tests` and `audits`.
import { join } from 'node:path'
import { fileError } from '../model/errors.ts'
import { knownNames } from '../model/did-you-mean.ts'
import type { Report } from '../sql-syntax/problems.ts'
import { namesOf, shown, unreadable } from './sql-files.ts'

/** Table key -> the last of these SQL folders in which `what` has a folder for it. Reports names of no table; what is read and not run (README.md) is nobody's. */
export async function keyFolders(
  folders: readonly string[],
  { what, keys }: { readonly what: string; readonly keys: readonly string[] },
  report: Report,
): Promise<ReadonlyMap<string, string>> {
  const homes = new Map<string, string>()
  for (const root of folders) {
    const place = join(root, what)
    for (const name of await namesIn(root, place)) {
      if (/\.(md|txt)$/.test(name)) continue
      homes.set(name, root)
      if (keys.includes(name)) continue
      const sentence = `there is no table '${name}'`
      const hint = knownNames('tables', name, keys)
      report(fileError({ rule: 'E015', file: shown(join(place, name)), sentence, hint }))
    }
  }
  return homes
}

export async function namesIn(root: string, folder: string): Promise<readonly string[]> {
  return await namesOf(root, folder).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    return unreadable(folder, error)
  })
}
