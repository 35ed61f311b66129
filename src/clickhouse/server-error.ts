// Owns turning a client's error into the message that people read: the server's own words, in one line, no password.
import { ClickHouseError } from '@clickhouse/client'
import { BackfillError, type ErrorKind, openFilesHint } from '../model/errors.ts'
import { isInImage } from '../seam/process.ts'
import type { Connection } from './connection.ts'
import { retryDecision, hintFor, unknownUser } from './error-codes.ts'
import { GatewayError, wayTo } from './http-agent.ts'
import { KeptAnswerError } from './answers.ts'
import { silenceLimits } from './silence.ts'
import { quotedName } from '../sql-syntax/quoting.ts'

/** The message of the fence's throwIf; it identifies a refused write. */
export const LOCK_LOST = 'backfill: lock lost'
export const TABLE_REPLACED = 'backfill: table replaced'

type ErrorPlace = {
  readonly connection: Connection
  /** The purpose of the statement, printed after "while": `inserting blocks 1-100 of address_diffs`. */
  readonly doing: string | undefined
}

export function errorCode(error: unknown): number {
  if (error instanceof BackfillError) return error.code
  return error instanceof ClickHouseError ? Number(error.code) : 0
}

/** The error below a BackfillError, for callers that need the server's whole message. */
export function originOf(error: unknown): unknown {
  return error instanceof BackfillError && error.cause !== undefined ? error.cause : error
}

/** The message of the server (or the client), as one line without the statement. */
export function messageOf(thrown: unknown): string {
  const error = originOf(thrown)
  const words = error instanceof Error ? error.message || String(networkCode(error)) : String(error)
  if (isTimeout(error)) return `nothing has moved for ${silenceLimits().lastMs / 60_000} minutes`
  return oneLine(words)
}

const isTimeout = (error: unknown) => error instanceof Error && error.message === 'Timeout error.'

export const MISSING_HINT =
  'Set SOURCE_CLICKHOUSE_DATABASE to the database of the source tables (backfill info shows it), or fix the file'

/** The server has no such table (60), database (81) or column (47). */
export function isMissing(error: unknown): boolean {
  return [60, 81, 47].includes(errorCode(error))
}

/** For `.catch` of a question about what need not exist: this answer where it does not. Throws every other error. */
export function unlessMissing<Answer>(answer: Answer): (error: unknown) => Answer {
  return (error) => {
    if (!isMissing(error)) throw error
    return answer
  }
}

/** For `.catch` of a question that one may do without: this answer where the server refuses it. Throws if there is no answer. */
export function unlessRefused<Answer>(answer: Answer): (error: unknown) => Answer {
  return (error) => {
    if (errorCode(error) === 0) throw error
    return answer
  }
}

/** `locked` if the fence refused the statement, `server` if it is unreachable or refuses the user, else `failed`. */
export function serverError(error: unknown, place: ErrorPlace): BackfillError {
  if (error instanceof BackfillError) return error
  const code = errorCode(error)
  const [kind, message, hint] = explained(error, code, place)
  return new BackfillError(message, {
    kind,
    code,
    retry: retryDecision(kind, code, messageOf(error)),
    hint,
    cause: error,
  })
}

function explained(
  error: unknown,
  code: number,
  { connection, doing }: ErrorPlace,
): [kind: ErrorKind, message: string, hint: string | undefined] {
  const words = messageOf(error)
  const where = `${connection.side} ${connection.url}${wayTo(connection.url)}`
  const meanwhile = doing === undefined ? '' : ` while ${doing}`
  const variable = `${connection.side.toUpperCase()}_CLICKHOUSE`
  if (words.includes(LOCK_LOST))
    return [
      'locked',
      `lost the lock${meanwhile} (taken or freed by someone else); nothing was written`,
      'backfill status shows who holds it',
    ]
  if (words.includes(TABLE_REPLACED))
    return ['failed', `the table was replaced${meanwhile}; nothing was written`, 'Run the command again']
  if (error instanceof GatewayError)
    return [
      'server',
      `something before ClickHouse (${where}) answered${meanwhile}: ${words}`,
      gatewayHint(error.status, variable),
    ]
  if (error instanceof KeptAnswerError)
    return [
      'server',
      `something before ClickHouse (${where}) is a cache${meanwhile}: ${words}`,
      `Have it keep no answers, or set ${variable}_URL to the server itself: what is kept may be older than the rows`,
    ]
  const [, what, hint] =
    TLS_FAULTS.find(([pattern]) => code === 0 && pattern.test(`${words} ${String(networkCode(error))}`)) ?? []
  if (what !== undefined)
    return [
      'server',
      `${what.replace('%s', () => `ClickHouse (${where})`)}: ${words.replace(OPENSSL, '$1')}`,
      hint!.replaceAll('%s', variable),
    ]
  // An answer that came, and is none of ClickHouse: a login page, a cache, a proxy that changes what passes.
  if (code === 0 && /^the answer (is|has) /.test(words))
    return [
      'server',
      `something before ClickHouse (${where}) answered${meanwhile}: ${words}`,
      `curl -i '${connection.url}/?query=SELECT+1' shows what answers; set ${variable}_URL to the server itself`,
    ]
  const unreachable = unreachableHint(connection, error, doing)
  if (code === 0) return ['server', `cannot reach ClickHouse (${where})${meanwhile}: ${words}`, unreachable]
  const node = /says node (\S+)$/.exec(words)?.[1]
  if (LOGIN_CODES.has(code) && node !== undefined)
    return [
      'server',
      `node ${node} of the cluster refuses user '${connection.username}'${meanwhile}`,
      unknownUser(connection),
    ]
  if (LOGIN_CODES.has(code))
    return [
      'server',
      `ClickHouse (${where}) refuses user '${connection.username}': ${words}`,
      `Check ${variable}_USERNAME and _PASSWORD; backfill info shows where they come from`,
    ]
  const message = `ClickHouse (${where}) failed${meanwhile}: ${words} (code ${code})`
  return ['failed', message, hintFor(code, words, connection)]
}

/** `406D8227937F0000:error:0A00010B:SSL routines:tls_validate_record_header:wrong version number:../deps/openssl/…c:77:` */
const OPENSSL = /\w+:error:\w+:[^:]*:[^:]*:([^:]+):\S*/

/** What can be wrong with certificates, by the words of Node and Deno; %s stands for the server, and for its variables. */
const TLS_FAULTS: readonly (readonly [pattern: RegExp, what: string, hint: string])[] = [
  [
    /self.signed|unable to (verify|get)|unknownissuer/i,
    'the certificate of %s is not signed by a known authority',
    'Set %s_CA_FILE to the certificate of the authority that signed it, in PEM',
  ],
  [
    /certificate (has expired|is not yet valid)|CERT_(HAS_EXPIRED|NOT_YET_VALID)|(:|\b)(Expired|NotValidYet)\b/,
    'the certificate of %s is not valid today',
    "Renew the server's certificate; if its dates are right, set the clock of this machine",
  ],
  [
    /ALTNAME_INVALID|altnames|NotValidForName/i,
    'the certificate of %s is for another name',
    'Use a name of the certificate in %s_URL, or have one issued for this name',
  ],
  [
    /alert.certificate.(expired|revoked|unknown)/i,
    '%s refuses the certificate of this client',
    'Renew the certificate that %s_CERT_FILE names; openssl x509 -noout -dates -in <file> shows its dates',
  ],
  [
    /certificate.required|bad.certificate|handshake.failure|unknown.ca\b/i,
    '%s, or a proxy before it, lets in only who has a certificate',
    'Set %s_CERT_FILE and %s_KEY_FILE to one that it knows, in PEM',
  ],
  [
    /wrong.version.number|packet.length.too.long|InvalidContentType/i,
    '%s does not speak TLS at this port',
    'Use http in %s_URL, or its port for https (8443)',
  ],
]

function gatewayHint(status: number, variable: string): string {
  if (status === 401 || status === 403)
    return `A proxy refuses the request: check ${variable}_USERNAME and _PASSWORD, and who may pass the proxy`
  if (status === 407)
    return 'The proxy wants a login: http://<user>:<password>@<proxy> in HTTP_PROXY or HTTPS_PROXY'
  if ([413, 414, 431].includes(status))
    return 'It lets no request of this size pass: raise its limits (nginx: client_max_body_size, large_client_header_buffers)'
  if (status < 400) return `Set ${variable}_URL to the address after that: redirects are not followed`
  return 'Try again in a minute: a gateway that is busy, or a cloud service that wakes up, answers so'
}

function unreachableHint(
  { side, url, username }: Connection,
  error: unknown,
  doing: string | undefined,
): string {
  const limit = openFilesHint(networkCode(error))
  if (limit !== undefined) return limit
  if (isTimeout(error))
    return `Silence is noticed within a minute if the user may see what runs: GRANT SELECT ON system.processes TO ${quotedName(username)}`
  const variable = `${side.toUpperCase()}_CLICKHOUSE_URL`
  const { hostname } = new URL(url)
  // A port that speaks TLS hangs up on whoever does not.
  const isCut = /socket hang up|ECONNRESET|Parse Error/.test(messageOf(error)) && doing === 'connecting'
  const secret = isCut && url.startsWith('http:') ? ', write https:// in it if the port speaks TLS' : ''
  const proxy = wayTo(url).replace(' through ', '')
  if (proxy !== '')
    return `Check ${proxy}, ${variable} and that proxy and server are up; NO_PROXY=${hostname} goes past the proxy`
  return isInImage() && /^(localhost|127\..*|\[::1\])$/.test(hostname)
    ? `In a container, ${hostname} is the container itself. Set ${variable} to the server's host name; for a server on the container's host, use host.docker.internal and docker run --add-host host.docker.internal:host-gateway`
    : `Check ${variable} and that the server is up${secret}; backfill info shows the configuration`
}

/** 192 UNKNOWN_USER, 193 WRONG_PASSWORD, 194 REQUIRED_PASSWORD, 195 IP_ADDRESS_NOT_ALLOWED, 516 AUTHENTICATION_FAILED, 720 USER_EXPIRED. */
const LOGIN_CODES = new Set([192, 193, 194, 195, 516, 720])

function networkCode(error: unknown): unknown {
  if (!(error instanceof Error)) return ''
  return 'code' in error ? error.code : error.name
}

/** The sentence is the first line; it may contain the statement as the server rewrote it, after "in scope". */
function oneLine(message: string): string {
  const line = message.split('\n').find((part) => part.trim() !== '') ?? 'no message'
  return line
    .replace(/[.,]? in scope (?:SELECT|WITH)\b.*?(?=\. Maybe you meant|$)/i, '')
    .trim()
    .slice(0, 2000)
}
