// Owns the public files on the web: it looks them up with HEAD, downloads each into an unnamed file, and checks it.
import pLimit from 'p-limit'
import https from 'node:https'
import http, { type IncomingMessage } from 'node:http'
import { randomUUID } from 'node:crypto'
import { type FileHandle, open, unlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { BackfillError } from '../../../model/errors.ts'
import {
  broken,
  passing,
  messageOf,
  type FetchedFile,
  type FileFacts,
  type FileKey,
  type FilesPort,
  filePath,
  fileVersion,
} from '../files-port.ts'
import { keptFile } from './parquet-file.ts'
import { agentFor, wayTo } from '../../../clickhouse/http-agent.ts'

export type WebOptions = Pick<HttpQuestion, 'stallMs' | 'signal'> & {
  readonly baseUrl: string
  readonly network: string
}

type Asking = Omit<HttpQuestion, 'method'>

/** Far above any file of 1,000 blocks: what sends more never ends. */
const MAX_FILE_BYTES = 16 * 1024 ** 3

/** Lookups at once: each is short, and there is one for each file. */
const CONCURRENT_REQUESTS = 16

/** Does not check whether files exist. @throws BackfillError `server` if the base URL is unreachable */
export async function openWeb(asked: WebOptions): Promise<FilesPort> {
  const options = { ...asked, agents: new Map() }
  const { baseUrl, network } = options
  const looks = pLimit(CONCURRENT_REQUESTS)
  const url = (key: FileKey) => `${baseUrl}/${filePath(network, key)}`
  const answer = await requestFile(baseUrl, { ...options, method: 'HEAD' }).catch((error: unknown) => {
    if (error instanceof BackfillError && error.kind === 'usage') throw error
    throw new BackfillError(`cannot reach ${baseUrl}${wayTo(baseUrl)}: ${messageOf(error)}`, {
      kind: 'server',
      hint: 'Check --base-url (BACKFILL_IMPORT_URL), or --folder <folder> for files on this machine',
      cause: error,
    })
  })
  answer.destroy()
  return {
    look: (key) => looks(() => look(url(key), options)),
    fetch: (key) => download(url(key), options),
  }
}

async function look(url: string, options: Asking): Promise<FileFacts | undefined> {
  let answer = await ask(url, options, 'HEAD')
  // Some servers do not support HEAD: use the headers of a GET.
  if ([405, 501].includes(answer.statusCode!)) {
    answer.destroy()
    answer = await ask(url, options, 'GET')
  }
  answer.destroy()
  if (!isThere(url, answer)) return undefined
  const bytes = lengthOf(answer)
  const { etag, 'last-modified': modified } = answer.headers
  return { bytes, version: fileVersion([etag, modified, bytes]) }
}

async function download(url: string, options: Asking): Promise<FetchedFile> {
  const answer = await ask(url, options, 'GET')
  let handle: FileHandle | undefined
  try {
    if (!isThere(url, answer)) throw broken(`${url} no longer exists`)
    handle = await unnamedFile()
    await handle.writeFile(wholeBody(url, answer))
  } catch (error) {
    answer.destroy()
    await handle?.close()
    if (error instanceof BackfillError) throw error
    throw new BackfillError(`cannot keep ${url} in ${tmpdir()}: ${messageOf(error)}`, {
      kind: 'failed',
      hint: 'TMPDIR sets the folder; it needs room for as many files as --jobs',
      cause: error,
    })
  }
  return await keptFile(url, handle)
}

/** @throws BackfillError for a body that breaks off, or never ends */
async function* wholeBody(url: string, answer: IncomingMessage): AsyncGenerator<Buffer> {
  const expected = lengthOf(answer)
  let received = 0
  try {
    for await (const piece of answer as AsyncIterable<Buffer>) {
      received += piece.length
      if (received > MAX_FILE_BYTES) throw broken(`${url} is larger than ${MAX_FILE_BYTES} bytes`)
      yield piece
    }
  } catch (error) {
    throw error instanceof BackfillError ? error : passing(`${url} broke off: ${messageOf(error)}`, error)
  }
  if (expected !== undefined && expected !== received)
    throw passing(`${url} ended after ${received} of ${expected} bytes`)
}

const ABSENT: ReadonlySet<number> = new Set([404, 410])
const BUSY: ReadonlySet<number> = new Set([408, 425, 429])

/** @throws BackfillError if the answer does not say */
function isThere(url: string, { statusCode: status = 0 }: IncomingMessage): boolean {
  if (status === 200 || ABSENT.has(status)) return status === 200
  if (status >= 500 || BUSY.has(status)) throw passing(`${url} answers ${status}`)
  throw new BackfillError(`${url} answers ${status}`, {
    kind: 'failed',
    hint: 'Check --base-url (BACKFILL_IMPORT_URL): the files must be readable without a login',
  })
}

function lengthOf({ headers }: IncomingMessage): number | undefined {
  const length = headers['content-length']
  return length === undefined ? undefined : Number(length)
}

async function ask(url: string, options: Asking, method: 'HEAD' | 'GET'): Promise<IncomingMessage> {
  return await requestFile(url, { ...options, method }).catch((error: unknown) => {
    throw error instanceof BackfillError ? error : passing(`cannot fetch ${url}: ${messageOf(error)}`, error)
  })
}

/** It is unlinked at once, so that nothing is left if the process dies. */
async function unnamedFile(): Promise<FileHandle> {
  const path = join(tmpdir(), `backfill-import-${randomUUID()}`)
  const handle = await open(path, 'wx+', 0o600)
  await unlink(path)
  return handle
}

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

const MAX_REDIRECTS = 5

/** The caller reads or destroys the body. @throws BackfillError if it is redirected too often, or from https to http */
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
