// Owns the files in an embedded server's directory: password and configuration, readable only by the owner.
import * as fs from 'node:fs'
import { hash, randomBytes, randomUUID } from 'node:crypto'
import { dirname, join, relative, resolve } from 'node:path'
import { BackfillError, usageError } from '../model/errors.ts'
import { PACKAGE_FOLDER } from '../package-folder.ts'
import { fileUser, userId } from '../seam/process.ts'

export const EMBEDDED_USER = 'backfill'

/** Safe while another server runs there: the password is created once. @throws BackfillError 'usage' if the folder may be a stranger's, or fails */
export function prepareDirectory(path: string, wishes: ServerWishes) {
  // The engine reads each as a slash, and looks in another folder.
  if (path.includes('\\'))
    throw usageError(
      `The embedded ClickHouse cannot use the directory '${path}': ClickHouse takes no path with a backslash`,
      'Name another one: --state <folder>; for a test, TMPDIR=<folder>',
    )
  try {
    assertOwnDirectory(path)
    makeDirectory(path)
    fs.chmodSync(path, 0o700)
    const password = readOrCreatePassword(join(path, 'password'))
    const file = join(path, 'config.xml')
    fs.renameSync(writeDraft(file, configuration(file, password, wishes)), file)
    return { password, configFile: file }
  } catch (error) {
    if (error instanceof BackfillError) throw error
    const reason = error instanceof Error ? error.message : String(error)
    const { code } = error as NodeJS.ErrnoException
    throw usageError(
      `The embedded ClickHouse cannot use the directory '${path}': ${reason}`,
      code === 'EACCES' || code === 'EPERM'
        ? `Make it a directory of ${fileUser()}, or name another one: --state <folder>`
        : 'Name another one: --state <folder>',
    )
  }
}

/** One after the other: where a folder may hold none (/proc), Node's own way tries for ever, and hears no signal. */
function makeDirectory(path: string): void {
  if (fs.existsSync(path)) return
  makeDirectory(dirname(path))
  try {
    fs.mkdirSync(path, { mode: 0o700 })
  } catch (error) {
    // Another process may have been quicker.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
}

/** Tables that lie in the folder are attached at the start, so only one that this program made for this user is used. */
function assertOwnDirectory(path: string): void {
  for (const place of [dirname(path), path])
    if (fs.lstatSync(place, { throwIfNoEntry: false })?.isSymbolicLink())
      throw notOwn(place, 'it is a link, and may lead anywhere')
  const found = fs.lstatSync(path, { throwIfNoEntry: false })
  if (found === undefined || fs.readdirSync(path).length === 0) return
  if (found.uid !== userId()) throw notOwn(path, 'it belongs to another user')
  const password = fs.lstatSync(join(path, 'password'), { throwIfNoEntry: false })
  const isOwn = (found.mode & 0o077) === 0 && password?.isFile() && (password.mode & 0o077) === 0
  if (!isOwn) throw notOwn(path, 'backfill has not made it (it came with a clone or a copy)')
  if (isTracked(resolve(path))) throw notOwn(path, 'git tracks files in it: it came with a clone')
}

/** Whether the index of the repository around `path` names a file in it. Modes prove nothing under umask 077. */
function isTracked(path: string): boolean {
  for (let at = dirname(path); dirname(at) !== at; at = dirname(at)) {
    const index = join(at, '.git', 'index')
    if (fs.existsSync(index))
      return fs.readFileSync(index).includes(`${relative(at, path).replaceAll('\\', '/')}/`)
  }
  return false
}

function notOwn(place: string, why: string): BackfillError {
  return usageError(
    `The embedded ClickHouse does not use '${place}': ${why}`,
    'Remove it, or name another folder: --state <folder>',
  )
}

function readOrCreatePassword(file: string): string {
  const draft = writeDraft(file, randomBytes(24).toString('base64url'))
  try {
    fs.linkSync(draft, file) // unlike rename, the first of two processes wins
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  } finally {
    fs.rmSync(draft)
  }
  return fs.readFileSync(file, 'utf8')
}

function writeDraft(file: string, text: string): string {
  const draft = `${file}.${randomUUID()}` // containers that share the directory may share process numbers
  fs.writeFileSync(draft, text, { mode: 0o600 })
  return draft
}

type ServerWishes = {
  readonly memoryBytes: number | undefined
  readonly more?: string
  /** The rights of an administrator, for tests: the user may also create users, and reach outside of the server. */
  readonly isAdmin?: boolean | undefined
}

function configuration(
  file: string,
  password: string,
  { memoryBytes, more = '', isAdmin = false }: ServerWishes,
): string {
  const folder = dirname(file)
  const memory = memoryBytes && `<max_server_memory_usage>${memoryBytes}</max_server_memory_usage>`
  const filled: Readonly<Record<string, string>> = {
    file: escapeXml(file),
    log: escapeXml(join(folder, 'server.log')),
    // A folder that does not exist, in the only folder that nobody else can write to.
    nowhere: escapeXml(join(folder, 'none', '')),
    hash: hash('sha256', password),
    user: EMBEDDED_USER,
    more: `${memory ?? ''}${more}`,
    rights: isAdmin ? '<access_management>1</access_management>' : '',
  }
  const template = fs.readFileSync(new URL('sql-templates/embedded/config.xml', PACKAGE_FOLDER), 'utf8')
  const own = isAdmin ? template.replaceAll(/<!-- wall -->[^]*?<!-- \/wall -->/g, '') : template
  return own.replaceAll(/\{(\w+)\}/g, (_, name: string) => filled[name]!)
}

function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
