// Owns what answers must be: not without an end, for that fills the memory; whole, or with the exception they break off with; not
// kept by a cache of an earlier question.
import type { IncomingMessage, IncomingHttpHeaders } from 'node:http'
import { Readable } from 'node:stream'
import { ClickHouseError } from '@clickhouse/client'

/** Answers to questions are a few kilobytes: what sends more than this never ends. */
const MAX_ANSWER_BYTES = 64 * 1024 * 1024

function tooLarge(): Error {
  return new Error(`the answer to a question is larger than ${MAX_ANSWER_BYTES / 1024 / 1024} MB`)
}

export const TAIL_BYTES = 16 * 1024

/** An answer as a whole. It fails after `MAX_ANSWER_BYTES`; where it breaks off, with the server's exception at its end. */
export async function wholeText(stream: AsyncIterable<Buffer>): Promise<string> {
  const pieces: Buffer[] = []
  let bytes = 0
  try {
    for await (const piece of stream) {
      bytes += piece.length
      // Whoever stops reading ends the stream.
      if (bytes > MAX_ANSWER_BYTES) throw tooLarge()
      pieces.push(piece)
    }
  } catch (error) {
    const tail = String(Buffer.concat(pieces).subarray(-TAIL_BYTES))
    throw tail.includes('DB::Exception') ? errorInBody(tail) : error
  }
  return String(Buffer.concat(pieces))
}

/** The package reads an answer as a whole, however long: its stream is private. */
export async function textOf(result: { text(): Promise<string> }): Promise<string> {
  const stream: unknown = Reflect.get(result, '_stream')
  return stream instanceof Readable ? await wholeText(stream) : await result.text()
}

/**
 * The package also reads the text of an error as a whole, and offers no place to limit it but Node's own. It leaves out which node of a cluster has
 * said it: `began` is told the first piece.
 */
export function limitError(response: IncomingMessage, began: (text: string) => void): void {
  const push = response.push.bind(response)
  let bytes = 0
  response.push = (piece: Buffer | null) => {
    if (bytes === 0 && piece !== null) began(String(piece))
    bytes += piece?.length ?? 0
    if (bytes <= MAX_ANSWER_BYTES) return push(piece)
    response.destroy(tooLarge())
    return false
  }
}

/** The node of a cluster that has failed behind the one that answers, with the innermost name; undefined: the one that answers. */
export function nodeIn(text: string): string | undefined {
  return [...text.matchAll(/(?:Received from |There was an error on \[)([^\s\]]+:\d+)/g)].at(-1)?.[1]
}

export function errorInBody(body: string): Error {
  const found = /Code: (\d+)\. DB::Exception: ([\s\S]*?)(?:\(([A-Z0-9_]+)\))?(?:\s*\(version[\s\S]*)?$/.exec(
    body,
  )
  if (found === null) return new Error(`unexpected text in the answer: ${body.slice(0, 300)}`)
  return new ClickHouseError({
    code: found[1]!,
    message: found[2]!.trim(),
    ...(found[3] && { type: found[3] }),
  })
}

/** What ClickHouse sends with the answer to each statement is not there. */
export const NO_SUMMARY =
  'the answer has no X-ClickHouse-Summary: it is none of ClickHouse, or a proxy drops its headers'

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
