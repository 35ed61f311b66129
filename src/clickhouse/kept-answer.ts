// Owns noticing that something before the server has given an answer that it kept of an earlier question.
import type { IncomingHttpHeaders } from 'node:http'

/** A cache has answered, not the server. */
export class KeptAnswerError extends Error {
  constructor() {
    super('it gave an answer that it had kept of an earlier question')
  }
}

/** Ids of the answers of this process, the latest. */
const known = new Set<string>()

const MOST_KNOWN = 10_000

/** What caches say of themselves: an age, or that they had it. */
const CACHED = /(^|,)\s*(tcp_(\w+_)?)?(hit|stale)\b/i
const CACHE_HEADERS = ['x-cache', 'x-cache-status', 'x-proxy-cache', 'cf-cache-status']

/**
 * A server answers with the id of the statement, a proxy may have made one of its own: no two answers have the same one.
 * @param path of the request, which names the id that was sent
 */
export function isKept(headers: IncomingHttpHeaders, path: string): boolean {
  if (Number(headers.age) > 0) return true
  if (CACHE_HEADERS.some((name) => CACHED.test(String(headers[name])))) return true
  const id = headers['x-clickhouse-query-id']
  if (typeof id !== 'string' || new URLSearchParams(path.replace(/^[^?]*/, '')).get('query_id') === id)
    return remember(id)
  const isKnown = known.has(id)
  remember(id)
  return isKnown
}

function remember(id: unknown): false {
  if (typeof id !== 'string') return false
  known.add(id)
  const [oldest] = known
  if (known.size > MOST_KNOWN) known.delete(oldest!)
  return false
}
