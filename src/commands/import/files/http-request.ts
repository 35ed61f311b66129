// Owns one HTTP request for a file: it follows redirects and gives up on a stalled server.
import http, { type IncomingMessage } from 'node:http'
import https from 'node:https'
import { agentFor } from '../../../clickhouse/http-agent.ts'
import { broken } from './file-error.ts'

// Not with fetch: undici in Node ends the whole process with a failed assertion if a server closes the connection after
// the last byte while the reader is slower than the network. Seen with Node 24.21 and Python's http.server.

export type HttpQuestion = {
  readonly method: 'HEAD' | 'GET'
  /** The request ends if no data arrives for this long, in ms, before or during the response. */
  readonly stallMs: number
  readonly signal: AbortSignal
  /** By origin; a request adds what is missing. */
  readonly agents: Map<string, http.Agent>
}

/** More redirects are treated as a loop. */
const MAX_REDIRECTS = 5

/**
 * Resolves with the response, whatever its status, after its headers. The caller reads or destroys the body.
 * @throws BackfillError if it is redirected too often, or from https to http; else the connection's error
 */
export async function requestFile(url: string, question: HttpQuestion): Promise<IncomingMessage> {
  let at = new URL(url)
  for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
    const answer = await request(at, question)
    const { location } = answer.headers
    if (!REDIRECTS.has(answer.statusCode ?? 0) || location === undefined) return answer
    answer.destroy()
    const next = URL.parse(location, at.href)
    if (next === null || !['https:', at.protocol].includes(next.protocol))
      throw broken(
        `cannot fetch ${url}: it redirects from ${at.protocol}// to ${next?.protocol ?? location}//`,
      )
    at = next
  }
  throw broken(`cannot fetch ${url}: it redirects more than ${MAX_REDIRECTS} times`)
}

const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308])

function request(url: URL, { method, stallMs, signal, agents }: HttpQuestion): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
  const send = url.protocol === 'https:' ? https.request : http.request
  const agent = agents.get(url.origin) ?? agentFor({ url: url.origin })
  agents.set(url.origin, agent)
  const headers = { 'accept-encoding': 'identity' }
  const sent = send(url, { agent, method, signal, timeout: stallMs, headers })
  let answer: IncomingMessage | undefined
  sent.on('response', (response) => {
    answer = response
    resolve(response)
  })
  sent.on('timeout', () => (answer ?? sent).destroy(new Error(`no data for ${stallMs / 1000} seconds`)))
  // After the headers, an error belongs to the body and reaches its reader.
  sent.on('error', reject)
  sent.end()
  return promise
}
