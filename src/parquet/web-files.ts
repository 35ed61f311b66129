// Owns the public files on the web: looked at by HEAD, downloaded whole into a file without a name, checked, handed on.
import { randomUUID } from 'node:crypto'
import { type FileHandle, open, unlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pLimit from 'p-limit'
import { BackfillError } from '../runner/errors.ts'
import type { FileFacts, FileKey, FilesPort } from '../runner/import-port.ts'
import { broken, passing, wordsOf } from './file-error.ts'
import { filePath } from './file-path.ts'
import { fileVersion } from './file-version.ts'
import { keptFile } from './kept-file.ts'

export type WebOptions = {
  /** Without a slash at its end. */
  readonly baseUrl: string
  readonly network: string
  /** A server that is silent for so long is given up, in ms. */
  readonly stallMs: number
  /** Ends downloads. */
  readonly signal: AbortSignal
}

/** Questions at once: each is short, and there is one for each file. */
const LOOKS_AT_ONCE = 16

/** @throws BackfillError `server` where nobody answers at the base URL; whether the files are there is not asked */
export async function openWeb(options: WebOptions): Promise<FilesPort> {
  const { baseUrl, network } = options
  const looks = pLimit(LOOKS_AT_ONCE)
  const url = (key: FileKey) => `${baseUrl}/${filePath(network, key)}`
  await ask(baseUrl, options, 'HEAD').then(
    ({ response, end }) => end(response),
    (error: unknown) => {
      throw new BackfillError(`cannot reach ${baseUrl}: ${wordsOf(error)}`, {
        kind: 'server',
        hint: 'Check --base-url (BACKFILL_IMPORT_URL), or --folder <folder> for files on this machine',
        cause: error,
      })
    },
  )
  return {
    look: (key) => looks(() => look(url(key), options)),
    fetch: (key) => download(url(key), options),
  }
}

async function look(url: string, options: WebOptions): Promise<FileFacts | undefined> {
  let answer = await answerOf(url, options, 'HEAD')
  // Some servers know no HEAD: the head of a GET will do.
  if ([405, 501].includes(answer.response.status)) {
    await answer.end(answer.response)
    answer = await answerOf(url, options, 'GET')
  }
  const { response, end } = answer
  await end(response)
  if (ABSENT.has(response.status)) return undefined
  refuseStatus(url, response)
  const bytes = lengthOf(response)
  const { headers } = response
  return { bytes, version: fileVersion([headers.get('etag'), headers.get('last-modified'), bytes]) }
}

async function download(url: string, options: WebOptions) {
  const { response, alive, end } = await answerOf(url, options, 'GET')
  if (ABSENT.has(response.status)) {
    await end(response)
    throw broken(`${url} has gone since it was seen`)
  }
  if (!response.ok) await end(response)
  refuseStatus(url, response)
  const handle = await unnamedFile(url)
  try {
    let received = 0
    for await (const piece of response.body ?? []) {
      alive()
      received += piece.length
      await writeWhole(handle, piece, url)
    }
    const expected = lengthOf(response)
    if (expected !== undefined && expected !== received)
      throw passing(`${url} ended after ${received} of ${expected} bytes`)
  } catch (error) {
    await handle.close()
    throw error instanceof BackfillError ? error : passing(`${url} broke off: ${wordsOf(error)}`, error)
  } finally {
    await end(response)
  }
  return await keptFile(url, handle)
}

const ABSENT: ReadonlySet<number> = new Set([404, 410])
const BUSY: ReadonlySet<number> = new Set([408, 425, 429])

/** @throws BackfillError unless the answer is a file */
function refuseStatus(url: string, { status, ok }: Response): void {
  if (ok && status !== 204) return
  if (status >= 500 || BUSY.has(status)) throw passing(`${url} answers ${status}`)
  throw new BackfillError(`${url} answers ${status}`, {
    kind: 'failed',
    hint: 'Check --base-url (BACKFILL_IMPORT_URL): the files must be readable without a login',
  })
}

/** Of the file, unless it is packed on its way. */
function lengthOf({ headers }: Response): number | undefined {
  const length = headers.get('content-length')
  return length === null || headers.has('content-encoding') ? undefined : Number(length)
}

type Asked = {
  readonly response: Response
  /** Says that something came: the time until the next piece begins. */
  readonly alive: () => void
  /** Lets go of the connection, whatever is left of the body. */
  readonly end: (response: Response) => Promise<void>
}

/** As `ask`, for a file: what it throws may pass. */
async function answerOf(url: string, options: WebOptions, method: 'HEAD' | 'GET'): Promise<Asked> {
  return await ask(url, options, method).catch((error: unknown) => {
    const words = `cannot fetch ${url}: ${wordsOf(error)}`
    throw words.endsWith('redirect count exceeded') ? broken(words) : passing(words, error)
  })
}

async function ask(url: string, { stallMs, signal }: WebOptions, method: 'HEAD' | 'GET'): Promise<Asked> {
  const stalled = new AbortController()
  const timer = setTimeout(
    () => stalled.abort(new Error(`nothing came for ${stallMs / 1000} seconds`)),
    stallMs,
  )
  try {
    const response = await fetch(url, {
      method,
      headers: { 'accept-encoding': 'identity' },
      signal: AbortSignal.any([stalled.signal, signal]),
    })
    timer.refresh()
    return {
      response,
      alive: () => void timer.refresh(),
      async end({ body }) {
        clearTimeout(timer)
        // One that is read to its end, or broken, cannot be cancelled, and need not be.
        if (body?.locked === false) await body.cancel().catch(() => undefined)
      },
    }
  } catch (error) {
    clearTimeout(timer)
    throw error
  }
}

/** It has lost its name already: nothing is left of it when the process dies. */
async function unnamedFile(url: string): Promise<FileHandle> {
  const path = join(tmpdir(), `backfill-import-${randomUUID()}`)
  try {
    const handle = await open(path, 'wx+', 0o600)
    await unlink(path)
    return handle
  } catch (error) {
    throw new BackfillError(`cannot keep ${url} in ${tmpdir()}: ${wordsOf(error)}`, {
      kind: 'failed',
      hint: ROOM,
    })
  }
}

const ROOM = 'TMPDIR names the folder; it needs room for as many files as --jobs'

async function writeWhole(handle: FileHandle, piece: Uint8Array, url: string): Promise<void> {
  let rest = piece
  try {
    while (rest.length > 0) rest = rest.subarray((await handle.write(rest)).bytesWritten)
  } catch (error) {
    throw new BackfillError(`cannot keep ${url} in ${tmpdir()}: ${wordsOf(error)}`, {
      kind: 'failed',
      hint: ROOM,
    })
  }
}
