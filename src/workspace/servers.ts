// Owns the choice of servers: two URLs, one URL for both sides, or the embedded server.
import { closeSync, openSync, readSync } from 'node:fs'
import { resolve } from 'node:path'
import { usageError } from '../model/errors.ts'
import { fileUser, isInImage } from '../seam/process.ts'
import { assertPaired } from './env-file.ts'
import { protocolOf, serverUrl } from './server-url.ts'
import type { Word } from './values.ts'
import { type Layers, type Setting, settingOf, type Variable, variable } from './variables.ts'

export type ServerRole = 'source' | 'target'

/** How to reach one server; the password is never shown. */
export type Login = {
  readonly url: Setting<string>
  readonly username: Setting<string>
  readonly password: Setting<string>
  /** Certificates (PEM) of a private authority, and their file. */
  readonly ca: Setting<{ readonly file: string; readonly pem: string }> | undefined
}

export type Servers =
  | { readonly kind: 'embedded'; readonly origin: string }
  | { readonly kind: 'remote'; readonly source: Login; readonly target: Login }

export const LEGACY = 'XATU_CLICKHOUSE'

/**
 * Chooses the servers. The side's own variables (SOURCE_CLICKHOUSE_*, TARGET_CLICKHOUSE_*) come first, then
 * XATU_CLICKHOUSE_* for both; if only one side has a URL, the other uses it too: then source and target are the same
 * server. A side's other values come from the group that has the URL, so that a password is sent only to its own
 * server. Without any of these, or with --embedded: the embedded server.
 * @throws BackfillError `usage` for a bad URL or protocol, an unreadable password file, a login without a URL.
 */
export function readServers(layers: Layers, folder: string): Servers {
  if (layers.flags.has('embedded')) return { kind: 'embedded', origin: 'flag --embedded' }
  const groups = [...SERVER_ROLES.map(prefixOf), LEGACY]
  if (groups.every((group) => variable(layers, `${group}_URL`) === undefined)) {
    const stray = groups
      .flatMap((group) => LOGIN_PARTS.map((part) => `${group}_${part}`))
      .find((name) => variable(layers, name))
    if (stray === undefined) return { kind: 'embedded', origin: 'default' }
    throw usageError(
      `${stray} is set, but no URL is`,
      `set ${stray.replace(/CLICKHOUSE_.*/, 'CLICKHOUSE_URL')} too, or unset it`,
    )
  }
  return { kind: 'remote', source: login(layers, 'source', folder), target: login(layers, 'target', folder) }
}

export function prefixOf(side: ServerRole): string {
  return `${side.toUpperCase()}_CLICKHOUSE`
}

const SERVER_ROLES: readonly ServerRole[] = ['source', 'target']
const LOGIN_PARTS = ['USERNAME', 'PASSWORD', 'PASSWORD_FILE', 'PROTOCOL', 'CA_FILE']

function login(layers: Layers, side: ServerRole, folder: string): Login {
  const other = side === 'source' ? 'target' : 'source'
  const own = prefixOf(side)
  const group = [own, LEGACY, prefixOf(other)].find((prefix) => variable(layers, `${prefix}_URL`))!
  const address = variable(layers, `${group}_URL`)!
  const find = (part: string) => variable(layers, `${own}_${part}`) ?? variable(layers, `${group}_${part}`)
  const protocol = find('PROTOCOL')
  const { url, ...inUrl } = serverUrl(address, protocol === undefined ? 'http' : protocolOf(protocol))
  const origin = group === LEGACY ? `${address.origin} (legacy)` : address.origin
  const username = find('USERNAME')
  const given = (value: string | undefined, fallback: string): Setting<string> =>
    value === undefined ? { value: fallback, origin: 'default' } : { value, origin }
  const secret = password(layers, own, folder) ?? password(layers, group, folder) ?? given(inUrl.password, '')
  assertPaired(layers.envFile, address.origin, secret.origin)
  return {
    url: { value: url, origin },
    username: username ? settingOf(username) : given(inUrl.username, 'default'),
    password: secret,
    ca: authority(find('CA_FILE'), folder, url),
  }
}

function authority(word: Variable | undefined, folder: string, url: string): Login['ca'] {
  if (word === undefined) return undefined
  if (!url.startsWith('https:'))
    throw usageError(
      `${word.place} is set, but ${url} is not https`,
      `set ${word.place.replace(/CA_FILE.*/, 'PROTOCOL')}=https, or unset it`,
    )
  const file = resolve(folder, word.text)
  const pem = read(file, word, 'certificate')
  if (!pem.includes('-----BEGIN CERTIFICATE-----'))
    throw usageError(
      `${file} of ${word.place} holds no certificate`,
      'it must be PEM: -----BEGIN CERTIFICATE-----',
    )
  return { value: { file, pem }, origin: word.origin }
}

function password(layers: Layers, group: string, folder: string): Setting<string> | undefined {
  const word = variable(layers, `${group}_PASSWORD`)
  const file = variable(layers, `${group}_PASSWORD_FILE`)
  if (word !== undefined && file !== undefined) {
    throw usageError(`${word.place} and ${file.place} are both set`, 'keep one of them')
  }
  if (file === undefined) return word && settingOf(word)
  // The newline at the end of the file is the editor's, not the password's.
  const path = resolve(folder, file.text)
  const value = read(path, file, 'password').replace(/\r?\n$/, '')
  // A `.env` of a stranger may name any file: a key, a list of secrets.
  if (/[\r\n\0]/.test(value))
    throw usageError(
      `${path} of ${file.place} holds more than one line`,
      'a password file holds the password and nothing else',
    )
  return { value, origin: file.origin }
}

function read(path: string, { place }: Word, what: string): string {
  try {
    const text = readUpTo(path, MAX_FILE_BYTES)
    if (text !== undefined) return text
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    throw usageError(
      `cannot read the ${what} file ${path} of ${place}: ${code}`,
      code === 'EACCES'
        ? `let ${fileUser()} read it${isInImage() ? ': a file mounted into a container keeps its owner and mode' : ''}`
        : 'create it, or correct the path',
    )
  }
  throw usageError(
    `the ${what} file ${path} of ${place} has more than ${MAX_FILE_BYTES} bytes`,
    'correct the path',
  )
}

/** More than any password or list of certificates. */
const MAX_FILE_BYTES = 1024 * 1024

/** The text of a file, a pipe or a device; undefined if it goes on after `limit` bytes. */
function readUpTo(path: string, limit: number): string | undefined {
  const file = openSync(path, 'r')
  try {
    const bytes = Buffer.alloc(limit + 1)
    let length = 0
    for (let got = 1; got > 0 && length <= limit; length += got)
      got = readSync(file, bytes, length, limit + 1 - length, null)
    return length > limit ? undefined : bytes.toString('utf8', 0, length)
  } finally {
    closeSync(file)
  }
}
