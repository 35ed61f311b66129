// Owns what an import needs of the world beyond a run's ports: the public files, one per table and 1,000 blocks.
import type { Readable } from 'node:stream'

/** Blocks of a file. A file begins at a multiple of it and is named by its first block. */
export const FILE_BLOCKS = 1000

/** Which file: of a source table, with the blocks from `first` on. */
export type FileKey = { readonly table: string; readonly first: number }

/** What is known of a file before it is fetched. */
export type FileFacts = {
  readonly bytes: number | undefined
  /** Another number once the file was published anew: made of what the server says of it. */
  readonly version: number
}

/** A file that is here whole. */
export type FetchedFile = {
  /** Its address or path, for messages. */
  readonly name: string
  readonly bytes: number
  readonly columns: ReadonlySet<string>
  readonly rows: number
  /** Its bytes, once; the reader destroys the stream. */
  read(): Readable
  /** Throws away what was kept of it. Waits until the stream is gone. */
  close(): Promise<void>
}

export type FilesPort = {
  /** Undefined where there is no such file. @throws BackfillError where that cannot be told */
  look(key: FileKey): Promise<FileFacts | undefined>
  /**
   * Fetches a file whole, before anything is done with it.
   * @throws BackfillError with the file's address: what passes (pure/failure.ts), or `rangeOnly` where the file is broken
   */
  fetch(key: FileKey): Promise<FetchedFile>
}
