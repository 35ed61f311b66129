// Owns reading the files of the SQL folder, maybe a stranger's: nothing outside of it is read, and nothing without end.
import { constants } from 'node:fs'
import { type FileHandle, lstat, open, readdir, realpath } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import pLimit from 'p-limit'
import { closing } from '../model/closing.ts'
import {
  BackfillError,
  usageError,
  fileError,
  type Report,
  knownNames,
  openFilesHint,
} from '../model/errors.ts'
import { fileUser } from '../seam/process.ts'

/** An `.sql` file: `key` is its name without the extension, `file` its path as shown to people. */
export type SqlFile = {
  readonly key: string
  readonly file: string
  readonly bytes: Uint8Array
  readonly text: string
}

/** The `.sql` files of `folder` in several SQL folders, by name. Of files of one name the last folder's counts. */
export async function layeredFiles(roots: readonly string[], folder: string): Promise<readonly SqlFile[]> {
  for (const root of roots) await assertAllRead(root, folder)
  const layers = await Promise.all(roots.map((root) => readSqlFiles(root, folder, { optional: true })))
  const byKey = new Map(layers.flat().map((file) => [file.key, file]))
  return [...byKey.values()].toSorted((a, b) => (a.key < b.key ? -1 : 1))
}

/** The `.sql` files of `root/folder` by name; ignores sub-folders and other files. */
export async function readSqlFiles(root: string, folder: string, { optional = false } = {}) {
  const place = join(root, folder)
  const listed = optional ? namesIn(root, place) : namesOf(root, place)
  const names = await listed.catch((error: unknown) => unreadable(place, error))
  const sqlNames = names.filter((name) => name.endsWith('.sql'))
  return Promise.all(
    sqlNames.map(async (name) => {
      const path = join(place, name)
      const read = await readFolderFile(root, path).catch((error: unknown) =>
        unreadable(path, error, { isListed: true }),
      )
      return { key: name.slice(0, -'.sql'.length), file: shown(path), ...read }
    }),
  )
}

/** @throws BackfillError `usage` for a file that looks like one of SQL, and would be passed over in silence */
async function assertAllRead(root: string, folder: string): Promise<void> {
  const place = join(root, folder)
  for (const name of await namesIn(root, place)) {
    const path = join(place, name)
    if (name.endsWith('.sql')) continue
    if (/\.sql$/i.test(name))
      throw usageError(`${shown(path)} is not read`, 'let its name end in .sql, or remove it')
    const inside = (await lstat(path)).isDirectory() ? await namesIn(root, path) : []
    const missed = inside.find((one) => /\.sql$/i.test(one))
    if (missed !== undefined)
      throw usageError(
        `${shown(join(path, missed))} is not read: only files that lie in ${folder} itself are`,
        `move it to ${shown(place)}, or out of the SQL folder`,
      )
  }
}

/** @throws BackfillError `usage`, with the hint that fits. @param isListed the folder has a file of that name */
export function unreadable(path: string, error: unknown, { isListed = false } = {}): never {
  if (error instanceof BackfillError) throw error
  const { code = String(error) } = error as NodeJS.ErrnoException
  const dangling = path.includes('\ufffd')
    ? 'its name is not text in UTF-8'
    : 'it is a link to a file that does not exist'
  const [missing, hint] = isListed
    ? [dangling, 'correct it, or remove it']
    : ['it does not exist', 'name the folder with --sql <folder> or BACKFILL_SQL']
  throw usageError(
    `cannot read ${shown(path)} of the SQL folder: ${code === 'ENOENT' ? missing : code}`,
    ['EACCES', 'EPERM'].includes(code) ? `let ${fileUser()} read it` : (openFilesHint(code) ?? hint),
  )
}

/** Whether a file is what an editor or a system left behind: nobody's test, table or data. */
function isLeftover(name: string): boolean {
  return /^[.~]|~$|^#.*#$|\.(swp|swo|orig|rej|bak|old|save|tmp|part)$|^((eh)?Thumbs\.db|desktop\.ini|Icon\r|__MACOSX|4913)$/i.test(
    name,
  )
}

/** Relative to the working directory if that is shorter. */
export function shown(path: string): string {
  const fromHere = relative(process.cwd(), path)
  return fromHere !== '' && fromHere.length < path.length ? fromHere : path
}

const MAX_BYTES = 16 * 1024 * 1024
/** A process may have 256 files open on macOS, and a folder may have a thousand tables. */
const filesAtOnce = pLimit(32)

/** Links within `root` are followed. @throws BackfillError `usage` for what leads out of it, a pipe, a device, more than 16 MiB; else the system's error */
export async function readFolderFile(root: string, path: string) {
  await assertInside(root, path)
  return await filesAtOnce(async () => {
    // A pipe without a writer would wait for one.
    const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
    return await closing(file, async () => await readWhole(path, file))
  })
}

async function readWhole(path: string, file: FileHandle) {
  const stats = await file.stat()
  if (!stats.isFile()) throw refused(path, 'is not a regular file')
  if (stats.size > MAX_BYTES) throw refused(path, `has ${stats.size} bytes, more than ${MAX_BYTES}`)
  const bytes = await file.readFile()
  return { bytes, text: textOf(path, bytes) }
}

/** @throws BackfillError `usage` for what is not UTF-8: with other characters in their place, other rows could be meant */
function textOf(path: string, bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    const line = bytes.toString('utf8').split('\ufffd', 1)[0]!.split('\n').length
    const is16 = /^f(ffe|eff)/.test(bytes.toString('hex', 0, 2))
    const what = is16 ? 'in UTF-16' : `not text in UTF-8: see its line ${line}`
    throw usageError(`${shown(path)} is ${what}`, 'save it in UTF-8')
  }
}

/** Sorted, leftovers left out. @throws BackfillError `usage` if it lies outside of `root`; the system's error if it cannot be read */
export async function namesOf(root: string, folder: string): Promise<readonly string[]> {
  await assertInside(root, folder)
  return (await readdir(folder)).filter((name) => !isLeftover(name)).toSorted()
}

/** @throws BackfillError `usage` if a link on the way leads out of `root`; the system's error if the path does not exist */
export async function assertInside(root: string, path: string): Promise<void> {
  const [top, real] = await Promise.all([realpath(root), realpath(path)])
  if (real !== top && !real.startsWith(top.endsWith(sep) ? top : top + sep))
    throw refused(path, 'is a link that leads out of the SQL folder')
}

function refused(path: string, why: string) {
  return usageError(`${shown(path)} ${why}`, 'put the file itself there, or remove it')
}

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
