// Owns the public files on the web: it looks them up with HEAD, downloads each into an unnamed file, and checks it.
import { randomUUID } from 'node:crypto'
import { type FileHandle, open, unlink } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pLimit from 'p-limit'
import { BackfillError } from '../../../model/errors.ts'
import type { FetchedFile, FileFacts, FileKey, FilesPort } from '../files-port.ts'
import { broken, passing, messageOf } from './file-error.ts'
import { filePath, fileVersion } from './file-path.ts'
import { type HttpQuestion, requestFile } from './http-request.ts'
import { keptFile } from './parquet-file.ts'

export type WebOptions = Pick<HttpQuestion, 'stallMs' | 'signal'> & {
  /** Without a trailing slash. */
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
    throw new BackfillError(`cannot reach ${baseUrl}: ${messageOf(error)}`, {
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
  if ([405, 501].includes(answer.statusCode ?? 0)) {
    answer.destroy()
    answer = await ask(url, options, 'GET')
    answer.destroy()
  } else answer.resume()
  if (ABSENT.has(answer.statusCode ?? 0)) return undefined
  assertStatus(url, answer)
  const bytes = lengthOf(answer)
  const { etag, 'last-modified': modified } = answer.headers
  return { bytes, version: fileVersion([etag, modified, bytes]) }
}

async function download(url: string, options: Asking): Promise<FetchedFile> {
  const answer = await ask(url, options, 'GET')
  try {
    if (ABSENT.has(answer.statusCode ?? 0)) throw broken(`${url} no longer exists`)
    assertStatus(url, answer)
  } catch (error) {
    answer.destroy()
    throw error
  }
  const handle = await unnamedFile(url)
  try {
    let received = 0
    for await (const piece of answer as AsyncIterable<Buffer>) {
      received += piece.length
      if (received > MAX_FILE_BYTES) throw broken(`${url} is larger than ${MAX_FILE_BYTES} bytes`)
      await writeWhole(handle, piece, url)
    }
    const expected = lengthOf(answer)
    if (expected !== undefined && expected !== received)
      throw passing(`${url} ended after ${received} of ${expected} bytes`)
  } catch (error) {
    await handle.close()
    throw error instanceof BackfillError ? error : passing(`${url} broke off: ${messageOf(error)}`, error)
  }
  return await keptFile(url, handle)
}

const ABSENT: ReadonlySet<number> = new Set([404, 410])
const BUSY: ReadonlySet<number> = new Set([408, 425, 429])

/** @throws BackfillError unless the response is a file */
function assertStatus(url: string, { statusCode: status = 0 }: IncomingMessage): void {
  if (status === 200) return
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

/** The file is unlinked at once, so that nothing is left if the process dies. */
async function unnamedFile(url: string): Promise<FileHandle> {
  const path = join(tmpdir(), `backfill-import-${randomUUID()}`)
  try {
    const handle = await open(path, 'wx+', 0o600)
    await unlink(path)
    return handle
  } catch (error) {
    throw noRoom(url, error)
  }
}

async function writeWhole(handle: FileHandle, piece: Buffer, url: string): Promise<void> {
  try {
    for (let at = 0; at < piece.length;) at += (await handle.write(piece, at)).bytesWritten
  } catch (error) {
    throw noRoom(url, error)
  }
}

function noRoom(url: string, error: unknown): BackfillError {
  return new BackfillError(`cannot keep ${url} in ${tmpdir()}: ${messageOf(error)}`, {
    kind: 'failed',
    hint: 'TMPDIR sets the folder; it needs room for as many files as --jobs',
    cause: error,
  })
}
