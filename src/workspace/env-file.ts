// Owns which `.env` is read, and what a `.env` that was merely found may not do: it may be a stranger's.
import { existsSync, lstatSync, realpathSync, type Stats, statSync } from 'node:fs'
import { dirname, join, relative, resolve, sep } from 'node:path'
import { usageError } from '../model/errors.ts'
import { userId } from '../seam/process.ts'
import type { Flags } from './values.ts'

/** `isNamed`: by --env-file or BACKFILL_ENV_FILE; else it was found. */
export type EnvFile = { readonly path: string; readonly isNamed: boolean }

/** The named file, or the `.env` found here or above, up to the folder with `.git`. @throws BackfillError `usage` */
export function findEnvFile(
  flags: Flags,
  environment: Readonly<Record<string, string | undefined>>,
  folder: string,
): EnvFile | undefined {
  const flag = flags.get('env-file')
  const named = flag?.text ?? environment['BACKFILL_ENV_FILE'] ?? ''
  if (named !== '') {
    const path = resolve(folder, named)
    // Node itself reads what `--env-file` names, wherever the flag stands: a pipe would be empty.
    if (flag !== undefined && existsSync(path) && statSync(path).isFIFO())
      throw usageError(`${path} of ${flag.place} is a pipe`, 'set BACKFILL_ENV_FILE to it instead')
    if (existsSync(path)) return { path, isNamed: true }
    throw usageError(`${path} of ${flag?.place ?? 'BACKFILL_ENV_FILE'} does not exist`, 'correct the path')
  }
  const path = foldersToSearch(folder)
    .map((one) => join(one, '.env'))
    .find((file) => lstatSync(file, { throwIfNoEntry: false }) !== undefined)
  if (path === undefined) return undefined
  // Of a link, whose it is and whose the file is that is read.
  const found = [lstatSync(path), readable(path)]
  const me = userId()
  const other = found.find((one) => one && me !== undefined && one.uid !== me && one.uid !== 0)
  if (other) throw usageError(`${path} belongs to another user (${other.uid})`, NAME_IT(path))
  // Opening one waits for a writer.
  if (found[1]?.isFIFO()) throw usageError(`${path} is a pipe`, NAME_IT(path))
  return { path, isNamed: false }
}

/** In silence the defaults would count. @throws BackfillError `usage` if it is a link that leads to no file */
function readable(path: string): Stats {
  try {
    return statSync(path)
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    throw usageError(
      `${path} is a link that leads to no file that can be read (${code})`,
      'correct the link, or remove it',
    )
  }
}

const NAME_IT = (path: string): string => `name it if you trust it: --env-file ${path}; or remove it`

/** The working folder alone, outside of a repository. */
function foldersToSearch(folder: string): readonly string[] {
  const root = repositoryOf(folder) ?? folder
  const upwards = [folder]
  for (let at = folder; at !== root; at = dirname(at)) upwards.push(dirname(at))
  return upwards
}

/** The nearest folder, this one or one above, that has `.git`. */
export function repositoryOf(folder: string): string | undefined {
  if (existsSync(join(folder, '.git'))) return folder
  return dirname(folder) === folder ? undefined : repositoryOf(dirname(folder))
}

/** From the root of the repository, for a path from this folder: code review reads paths so. */
export function inRepository(folder: string): (path: string) => string {
  const root = repositoryOf(folder) ?? folder
  return (path) => relative(root, resolve(folder, path))
}

/**
 * @param url where the server's address comes from: `.env TARGET_CLICKHOUSE_URL` @throws BackfillError `usage` if a `.env` that was
 * merely found names the server to which a password would be sent that did not come with it: of the environment, or of a file outside
 */
export function assertPaired(
  env: EnvFile | undefined,
  url: string,
  password: { readonly origin: string; readonly file?: string },
): void {
  if (env === undefined || env.isNamed || !url.startsWith('.env ')) return
  const { origin, file } = password
  const [layer, variable] = origin.split(' ')
  const home = realpathSync(dirname(env.path)) + sep
  const what =
    layer === 'environment'
      ? `is that of ${variable} in the environment`
      : file !== undefined && !realpathSync(file).startsWith(home)
        ? `is in ${file}, outside of its folder`
        : undefined
  if (what === undefined) return
  throw usageError(
    `${env.path} was found, and names the server, but the password ${what}`,
    `set ${url.replace('.env ', '')} in the environment, too; or ${NAME_IT(env.path)}`,
  )
}

/** @throws BackfillError `usage` if a `.env` that was merely found has files written outside of its folder */
export function assertInside(
  env: EnvFile | undefined,
  { origin, value }: { readonly origin: string; readonly value: string },
): void {
  if (env === undefined || env.isNamed || !origin.startsWith('.env ')) return
  // What is there of the path may be a link.
  let there = value
  while (!existsSync(there)) there = dirname(there)
  const place = relative(realpathSync(dirname(env.path)), realpathSync(there))
  if (place !== '..' && !place.startsWith(`..${sep}`)) return
  const variable = origin.replace('.env ', '')
  throw usageError(
    `${env.path} was found, and its ${variable} is ${value}, outside of its folder`,
    `set ${variable} in the environment; or ${NAME_IT(env.path)}`,
  )
}

export function shownEnvFile({ path }: EnvFile, folder: string): string {
  return relative(folder, path) || path
}
