// Owns the proxy of the environment: which variable names it for a server, its address, and its passwords, for masking. Pure.
import { usageError } from './errors.ts'

type Environment = Readonly<Record<string, string | undefined>>

/** `variable`: the one that counts. `environment`: for Node, which takes an address without a scheme for none, and says nothing. */
type NamedProxy = { readonly variable: string; readonly environment: Environment }

const VARIABLES = ['http_proxy', 'HTTP_PROXY', 'https_proxy', 'HTTPS_PROXY']
const LEFT_OUT = ['no_proxy', 'NO_PROXY']
const SCHEME = /^[a-z][a-z0-9+.-]*:\/\//i

/** Undefined where none is named, and on loopback. @throws BackfillError `usage` naming the variable, never its value */
export function proxyFor(url: string, environment: Environment): NamedProxy | undefined {
  const { protocol, hostname, host } = new URL(url)
  const named = (names: readonly string[]) => names.find((name) => (environment[name] ?? '').trim() !== '')
  const variable = named(protocol === 'https:' ? VARIABLES.slice(2) : VARIABLES.slice(0, 2))
  if (variable === undefined || /^(localhost|127\..*|\[::1\])$/.test(hostname)) return undefined
  const left = environment[named(LEFT_OUT) ?? ''] ?? ''
  const entries = left.toLowerCase().split(/[\s,]+/)
  if (entries.some((entry) => entry !== '' && isOf(entry, hostname, host))) return undefined
  const address = addressOf(environment[variable]!.trim(), variable)
  // Node itself knows the ranges of addresses that NO_PROXY may hold.
  return { variable, environment: { http_proxy: address, https_proxy: address, no_proxy: left } }
}

/** An entry of NO_PROXY, as for curl: `*`, `db.example:8123`, `example` and all within, or `.example`, `*.example`, `10.0.0.0/8`. */
function isOf(entry: string, hostname: string, host: string): boolean {
  const suffix = entry.replace(/^\*?\./, '')
  const isWithin = !IPV4.test(hostname) && suffix !== '' && hostname.endsWith(`.${suffix}`)
  return (
    ['*', hostname, host].includes(entry) || hostname === suffix || isWithin || isInRange(entry, hostname)
  )
}

const IPV4 = /^\d{1,3}(\.\d{1,3}){3}$/

/** `10.0.0.0/8`. */
function isInRange(entry: string, hostname: string): boolean {
  const [network = '', length = ''] = entry.split('/')
  if (!IPV4.test(hostname) || !IPV4.test(network) || !/^([12]?\d|3[0-2])$/.test(length)) return false
  const place = (address: string) =>
    Math.floor(
      address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0) / 2 ** (32 - Number(length)),
    )
  return place(hostname) === place(network)
}

function addressOf(text: string, variable: string): string {
  const bare = !SCHEME.test(text)
  if (!bare && !/^https?:/i.test(text))
    throw usageError(
      `${variable} names a proxy that is neither http:// nor https://`,
      `set ${variable} to http://<host>:<port>, or unset it; NO_PROXY=<host of the server> goes past it`,
    )
  // As for curl, an address without a scheme is that of an http proxy.
  const url = URL.parse(bare ? `http://${text}` : text)
  // `u:1/word@host` would be read as the host u; so would `http:/host` as the host http.
  if (url === null || /@/.test(url.pathname + url.search + url.hash) || (bare && url.pathname !== '/'))
    throw usageError(
      `${variable} is no address of a proxy`,
      'write http://<host>:<port>, or http://<user>:<password>@<host>:<port>; in a password / is %2F, # is %23, ? is %3F and @ is %40',
    )
  url.username = decodable(url.username)
  url.password = decodable(url.password)
  return url.href
}

/** A lone % that encodes nothing means itself. */
function decodable(encoded: string): string {
  return decoded(encoded) === undefined ? encoded.replaceAll('%', '%25') : encoded
}

function decoded(encoded: string): string | undefined {
  try {
    return decodeURIComponent(encoded)
  } catch {
    return undefined
  }
}

/** The passwords of all proxies, as written and as sent, however their addresses are mistyped. */
export function proxySecrets(environment: Environment): readonly string[] {
  return VARIABLES.flatMap((name) => {
    const login = /^(.*)@/s.exec((environment[name] ?? '').trim().replace(SCHEME, ''))?.[1] ?? ''
    const password = /:(.+)$/s.exec(login)?.[1] ?? ''
    return [password, decoded(password) ?? ''].filter((secret) => secret !== '')
  })
}
