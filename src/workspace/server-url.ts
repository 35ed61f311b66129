// Owns reading a server's address: `host:port` as in the Python project, or an http(s) URL. Pure.
import { usageError } from '../model/errors.ts'
import type { Word } from './values.ts'
import { maskUrl } from './mask.ts'

export type Protocol = 'http' | 'https'

/**
 * `url`: http(s)://host:port and the path of a proxy; the credentials apart, undefined if there are none.
 * @param protocol of an address without one; it decides the default port @throws BackfillError `usage`, credentials masked
 */
export function serverUrl(word: Word, protocol: Protocol) {
  const text = word.text.trim()
  if (text.length > MAX_LETTERS)
    throw usageError(`${word.place} is no address: it has ${text.length} letters`)
  const bare = !/^[a-z][a-z0-9+.-]*:\/\//i.test(text)
  const url = URL.parse(bare ? `${protocol}://${text}` : text)
  const fail = (what: string, hint?: string) =>
    usageError(`${word.place} ${what}, got '${maskUrl(word.text)}'.`, hint)
  const [, scheme] = /^(https?):\/(?!\/)/i.exec(text) ?? []
  if (scheme !== undefined)
    throw usageError(`${word.place} has one / behind ${scheme}:`, `write ${scheme}://<host>:<port>`)

  if (/[/?#].*@/s.test(text.replace(/^[a-z][a-z0-9+.-]*:\/\//i, '')))
    throw fail(
      'has a /, ? or # before its @',
      `in a password they are written %2F, %3F and %23; or set ${word.place.replace(/_URL.*/, '_PASSWORD')}`,
    )
  if (!bare && !/^https?:\/\//i.test(text)) {
    throw fail(
      'must be host:port or an http(s) URL',
      "backfill speaks ClickHouse's HTTP interface: port 8123, or 8443 with https",
    )
  }
  // `user:pass/word@host` would be read as the host `user` and a path, and be printed.
  if (url !== null && /@/.test(url.pathname + url.search + url.hash))
    throw fail('has an @ behind its host', 'in a password write # as %23, / as %2F, ? as %3F and @ as %40')
  const place = text
    .replace(/^[a-z]+:\/\//i, '')
    .replace(/^.*@/s, '')
    .replace(/[/?#].*$/s, '')
  const port = /:([^:\]]*)$/.exec(place)?.[1]
  if (port !== undefined && !(/^\d{1,5}$/.test(port) && Number(port) >= 1 && Number(port) <= 65_535)) {
    throw fail('must have a port from 1 to 65535', HOW)
  }
  // `http:///x` would be read as the host x.
  if (url === null || place === '' || /^$|[;=,&]/.test(url.hostname))
    throw fail('must be host:port or an http(s) URL', HOW)
  // `${HOST}:8123`, as for compose: a name server would be asked for it.
  if (/[${}]/.test(url.hostname))
    throw fail('has a $, { or } in its host', 'nothing is filled in there: write the host itself')
  if (url.search !== '' || url.hash !== '') {
    throw fail(
      'must not have a query',
      'databases are set by SOURCE_CLICKHOUSE_DATABASE and TARGET_CLICKHOUSE_DATABASE',
    )
  }
  const username = credential(url.username)
  // A whole `user:password` that was percent-encoded, or has another separator: as a name it would be printed.
  if (url.password === '' && /[:;]/.test(username ?? '')) {
    const variable = word.place.replace(/_URL.*/, '')
    throw usageError(
      `${word.place} has a user name with a : or ; in it, and no password`,
      `write user:password@ before the host, or set ${variable}_USERNAME and ${variable}_PASSWORD`,
    )
  }
  if (bare && port === undefined) url.port = protocol === 'https' ? '8443' : '8123'
  const path = url.pathname.replace(/\/+$/, '')
  return { url: url.origin + path, username, password: credential(url.password) }
}

const HOW = 'write <host>:<port> or http://<host>:<port>, with an IPv6 address as [::1]:8123'

/** More than any address has; the patterns above take quadratic time. */
const MAX_LETTERS = 4096

export function protocolOf(word: Word): Protocol {
  const text = word.text.toLowerCase()
  if (text === 'http' || text === 'https') return text
  throw usageError(`${word.place} must be http or https, got '${word.text}'`)
}

function credential(encoded: string): string | undefined {
  if (encoded === '') return undefined
  try {
    return decodeURIComponent(encoded)
  } catch {
    return encoded // A lone % that encodes nothing means itself.
  }
}
