// Owns the port of the public files, one for each table and 1,000 blocks, and how they are laid out below the base URL or folder.
import type { Readable } from 'node:stream'
import { createHash } from 'node:crypto'

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
  /**
   * Fetches the complete file before it is used.
   * @throws BackfillError with the file's address: transient, or `rangeOnly` if the file is broken
   */
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
