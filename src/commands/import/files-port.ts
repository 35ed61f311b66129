// Owns the port of the public files, one for each table and 1,000 blocks, and how they are laid out below the base URL or folder.
import type { Readable } from 'node:stream'
import { createHash } from 'node:crypto'
import { BackfillError } from '../../model/errors.ts'

/** Blocks in a file. A file begins at a multiple of this number and is named by its first block. */
export const FILE_BLOCKS = 1000

export type FileKey = { readonly table: string; readonly first: number }

export type FileFacts = {
  readonly bytes: number | undefined
  /** Changes when the file is published again: a hash of the server's metadata. */
  readonly version: number
}

export type FetchedFile = {
  readonly name: string
  readonly bytes: number
  readonly columns: ReadonlySet<string>
  readonly rows: number
  /** Its bytes, once; the reader destroys the stream. */
  read(): Readable
  close(): Promise<void>
}

export type FilesPort = {
  /** Undefined if there is no such file. @throws BackfillError if that cannot be determined */
  look(key: FileKey): Promise<FileFacts | undefined>
  /** The complete file. @throws BackfillError: transient, or `rangeOnly` if the file is broken */
  fetch(key: FileKey): Promise<FetchedFile>
}

export function networkPath(network: string): string {
  return `${network}/databases/default`
}

export function filePath(network: string, { table, first }: FileKey): string {
  return `${networkPath(network)}/${table}/${FILE_BLOCKS}/${first}.parquet`
}

/** A hash of the file's metadata, below 2^52: equal parts give equal numbers. */
export function fileVersion(parts: readonly (string | number | null | undefined)[]): number {
  const hash = createHash('sha256').update(parts.map(String).join('\n')).digest('hex')
  return Number.parseInt(hash.slice(0, 13), 16)
}

/** An error that a retry may help: an overloaded server, a broken connection. */
export function passing(message: string, cause?: unknown): BackfillError {
  return new BackfillError(message, {
    kind: 'failed',
    retry: 'retry',
    rangeOnly: true,
    hint: 'Run backfill import again: it resumes where it stopped',
    cause,
  })
}

/** The file itself is broken: other files continue. */
export function broken(message: string, hint = BROKEN_HINT, cause?: unknown): BackfillError {
  return new BackfillError(message, { kind: 'failed', rangeOnly: true, hint, cause })
}

const BROKEN_HINT = 'Its blocks are not imported; run backfill import again when the file is fixed'

/** The error's message. For a host with several addresses: the failure of the first address. */
export function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return messageOf(error.errors[0])
  return error instanceof Error ? error.message : String(error)
}
