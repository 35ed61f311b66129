// Owns the choice of servers (two URLs, one URL for both sides, the embedded server where it is asked for, or none) and their logins, with
// certificates that are read whole, or refused.
import { resolve } from 'node:path'
import type { ServerRole } from '../clickhouse/connection.ts'
import { proxyFor } from '../model/proxy.ts'
import { usageError } from '../model/errors.ts'
import { assertPaired } from './env-file.ts'
import { type Layers, type Setting, settingOf, variable, LOGIN_PARTS, type Variable } from './variables.ts'
import { protocolOf, serverUrl } from './server-url.ts'
import { readLoginFile } from './text-file.ts'
import { createPrivateKey, X509Certificate } from 'node:crypto'

export type Login = Certificates & {
  readonly url: Setting<string>
  readonly username: Setting<string>
  readonly password: Secret
}

export type Servers =
  | { readonly kind: 'embedded' | 'none'; readonly origin: string }
  | { readonly kind: 'remote'; readonly source: Login; readonly target: Login }

export const LEGACY = 'XATU_CLICKHOUSE'

/**
 * The side's own variables come first, then XATU_CLICKHOUSE_* for both, then those of the other side: but a source alone is an
 * error, because nobody should write to it. A side's other values come from the group that has the URL, so that a password is sent
 * only to its own server. @throws BackfillError `usage`
 */
export function readServers(layers: Layers, folder: string, read: LoginFiles['read']): Servers {
  if (layers.flags.has('embedded')) return { kind: 'embedded', origin: 'flag --embedded' }
  const groups = [...SERVER_ROLES.map(prefixOf), LEGACY]
  if (groups.every((group) => variable(layers, `${group}_URL`) === undefined)) {
    const stray = groups
      .flatMap((group) => LOGIN_PARTS.map((part) => `${group}_${part}`))
      .find((name) => variable(layers, name))
    if (stray === undefined) return { kind: 'none', origin: 'default' }
    throw usageError(
      `${stray} is set, but no URL is`,
      `set ${stray.replace(/CLICKHOUSE_.*/, 'CLICKHOUSE_URL')} too, or unset it`,
    )
  }
  if ([prefixOf('target'), LEGACY].every((group) => variable(layers, `${group}_URL`) === undefined))
    throw usageError(
      `${prefixOf('source')}_URL is set, but ${prefixOf('target')}_URL is not`,
      `set ${prefixOf('target')}_URL too; where one server holds both, it alone is enough`,
    )
  const files: LoginFiles = { folder, read }
  return { kind: 'remote', source: login(layers, 'source', files), target: login(layers, 'target', files) }
}

/** `read`: each file once, because both sides, and several networks, may name the same pipe: `…_PASSWORD_FILE=<(pass show clickhouse)`. */
type LoginFiles = { readonly folder: string; readonly read: typeof readLoginFile }

export function readOnce(): typeof readLoginFile {
  const known = new Map<string, string>()
  return (path, place, what) => {
    const text = known.get(path) ?? readLoginFile(path, place, what)
    known.set(path, text)
    return text
  }
}

export function prefixOf(side: ServerRole): string {
  return `${side.toUpperCase()}_CLICKHOUSE`
}

const SERVER_ROLES: readonly ServerRole[] = ['source', 'target']

function login(layers: Layers, side: ServerRole, files: LoginFiles): Login {
  const other = side === 'source' ? 'target' : 'source'
  const own = prefixOf(side)
  const group = [own, LEGACY, prefixOf(other)].find((prefix) => variable(layers, `${prefix}_URL`))!
  const address = variable(layers, `${group}_URL`)!
  const find = (part: string) => variable(layers, `${own}_${part}`) ?? variable(layers, `${group}_${part}`)
  const protocol = find('PROTOCOL')
  const { url, ...inUrl } = serverUrl(address, protocol === undefined ? 'http' : protocolOf(protocol))
  void proxyFor(url, layers.environment) // refused here, before anything is asked
  const origin = group === LEGACY ? `${address.origin} (legacy)` : address.origin
  const username = find('USERNAME')
  // What is sent ends the name at the colon. Whoever writes user:password here would see it printed.
  if (username?.text.includes(':'))
    throw usageError(
      `${username.place} has a : in it, at which a name ends`,
      `set the name alone, and the password in ${username.place.replace(/_USERNAME.*/, '_PASSWORD')}`,
    )
  const given = (value: string | undefined, fallback: string): Setting<string> =>
    value === undefined ? { value: fallback, origin: 'default' } : { value, origin }
  const secret = password(layers, own, files) ?? password(layers, group, files) ?? given(inUrl.password, '')
  assertPaired(layers.envFile, address.origin, secret)
  return {
    url: { value: url, origin },
    username: username ? settingOf(username) : given(inUrl.username, 'default'),
    password: secret,
    ...readCertificates(find, { ...files, url }),
  }
}

type Secret = Setting<string> & { readonly file?: string }

/** What may well be no part of a password, though it counts as one: nobody sees it in the file. */
export function doubtsAbout({ password: { value, origin, file } }: Login): readonly string[] {
  if (file === undefined) return []
  const what =
    value === ''
      ? 'is empty: no password is sent'
      : /^\s|\s$|[\p{Cf}\p{Zl}\p{Zp}]/u.test(value)
        ? 'has a blank at an end, or an invisible character, which is sent as a part of the password'
        : undefined
  return what === undefined ? [] : [`${file} of ${origin.replace(/^.* /, '')} ${what}`]
}

function password(layers: Layers, group: string, { folder, read }: LoginFiles): Secret | undefined {
  const word = variable(layers, `${group}_PASSWORD`)
  const file = variable(layers, `${group}_PASSWORD_FILE`)
  if (word !== undefined && file !== undefined) {
    // One in the environment beats the other one in `.env`, as everywhere.
    if (word.layer === 'environment' && file.layer !== 'environment') return settingOf(word)
    if (word.layer === file.layer)
      throw usageError(`${word.place} and ${file.place} are both set`, 'keep one of them')
  }
  if (file === undefined) return word && settingOf(word)
  const path = resolve(folder, file.text)
  // Newlines at the end of the file are the editor's, not the password's.
  const value = read(path, file.place, 'password').replace(/[\r\n]+$/, '')
  if (/\p{Cc}/u.test(value))
    throw usageError(
      `${path} of ${file.place} holds more than a password: a second line, or a control character`,
      'it must be one line with nothing but the password',
    )
  return { value, origin: file.origin, file: path }
}

type Pem = Setting<{ readonly file: string; readonly pem: string }>

type Place = LoginFiles & { readonly url: string }

/** `ca`: certificates of a private authority that signed the server's. */
type Certificates = Readonly<Record<'ca' | 'cert' | 'key', Pem | undefined>>

/** `find`: …_CA_FILE and the like of a side. @throws BackfillError `usage` for a file not whole, or without its pair */
function readCertificates(find: (part: string) => Variable | undefined, place: Place): Certificates {
  const read = (part: string, what: string, check: (pem: string) => void): Pem | undefined => {
    const word = find(part)
    return word && readPem(word, { ...place, what, check })
  }
  const ca = read('CA_FILE', 'certificate', assertCertificates)
  const cert = read('CERT_FILE', 'certificate', assertCertificates)
  const key = read('KEY_FILE', 'key', (pem) => void createPrivateKey(pem))
  const [lonely, missing] = cert === undefined ? [key, 'CERT'] : [key === undefined ? cert : undefined, 'KEY']
  if (lonely !== undefined)
    throw usageError(
      `${lonely.value.file} is a client's ${missing === 'KEY' ? 'certificate without its key' : 'key without its certificate'}`,
      `set ${lonely.origin.replace(/^.* /, '').replace(/(CERT|KEY)_FILE$/, missing)}_FILE, too`,
    )
  if (cert && key && !new X509Certificate(cert.value.pem).checkPrivateKey(createPrivateKey(key.value.pem)))
    throw usageError(`the key ${key.value.file} is not that of the certificate ${cert.value.file}`)
  return { ca, cert, key }
}

type Wanted = Place & { readonly what: string; readonly check: (pem: string) => void }

function readPem({ text, place, origin }: Variable, { folder, url, what, check, read }: Wanted): Pem {
  if (!url.startsWith('https:'))
    throw usageError(
      `${place} is set, but ${url} is not https`,
      `set ${place.replace(/(CA|CERT|KEY)_FILE.*/, 'PROTOCOL')}=https, or unset it`,
    )
  const file = resolve(folder, text)
  const pem = read(file, place, what)
  if (!(what === 'key' ? /-----BEGIN / : /-----BEGIN [A-Z ]*CERTIFICATE-----/).test(pem))
    throw usageError(
      `${file} of ${place} holds no ${what}`,
      `it must be PEM: -----BEGIN ${what === 'key' ? 'PRIVATE KEY' : 'CERTIFICATE'}-----`,
    )
  try {
    check(pem)
  } catch {
    throw usageError(
      `a ${what} in ${file} of ${place} cannot be read: the file is cut off, or holds something else`,
      what === 'key' ? 'it must be PEM, whole and without a passphrase' : 'copy it again, whole',
    )
  }
  return { value: { file, pem }, origin }
}

/** OpenSSL takes the certificates before a broken one without a word. */
function assertCertificates(pem: string): void {
  for (const block of pem.split(/(?=-----BEGIN )/))
    if (block.startsWith('-----BEGIN ') && !/^-----BEGIN [A-Z ]*KEY-----/.test(block))
      void new X509Certificate(block)
}
