// Owns the public files, one for each table and 1,000 blocks: their port, how they are laid out below the base URL or folder, and what they are to
// the runner: a source in which a file is 1,000 present blocks and a missing file is a source gap.
import type { Readable } from 'node:stream'
import { hash } from 'node:crypto'
import { BackfillError } from '../../model/errors.ts'
import type { Range } from '../../model/blocks.ts'
import type { Bucket } from '../../sources/availability.ts'
import type { SourcePort } from '../../sources/source.ts'

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
  return Number.parseInt(hash('sha256', parts.map(String).join('\n')).slice(0, 13), 16)
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
export function broken(message: string): BackfillError {
  const hint = 'Its blocks are not imported; run backfill import again when the file is fixed'
  return new BackfillError(message, { kind: 'failed', rangeOnly: true, hint })
}

/** The error's message. For a host with several addresses: the failure of the first address. */
export function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return messageOf(error.errors[0])
  return error instanceof Error ? error.message : String(error)
}

/** File versions stand for the newest rows in buckets and fingerprints: both are only compared for equality. */
export function fileSource(files: FilesPort, range: Range): SourcePort {
  const within = ({ from, to }: Range) => ({ from: Math.max(from, range.from), to: Math.min(to, range.to) })
  return {
    database: '', // files are in none
    readiness: async () => new Map(),
    extents: async (sources) => new Map(sources.map((source) => [source, range])),

    async buckets(tables, asked) {
      const found = tables.map(
        async (table) => [table, await bucketsOf(files, table, within(asked))] as const,
      )
      return new Map(await Promise.all(found))
    },

    // Which file is the next one is known only by asking for each.
    nextRows: async (sources, block) => new Map(sources.map((source) => [source, block])),

    disagreeing: async () => [],
    parts: async () => undefined, // files have none

    async fingerprint(sources, { from }) {
      const facts = sources.map(async (table) => {
        const found = await files.look({ table, first: from })
        const [blocks, newest] = found ? [FILE_BLOCKS, found.version] : [0, 0]
        return [table, { blocks, newest }] as const
      })
      return new Map(await Promise.all(facts))
    },

    networks: async () => [],
    isBusy: async () => false, // files say nothing of one another
    assertReadable: async () => [], // files are no views
    keptApart: async () => [],
    policies: async () => [],
  }
}

async function bucketsOf(files: FilesPort, table: string, range: Range): Promise<readonly Bucket[]> {
  const found = firstBlocks(range).map(async (first) => {
    const facts = await lookOrTry(files, { table, first })
    if (facts === undefined) return []
    // The number of rows is unknown before the file is fetched: all files get the same estimate.
    const size = { rows: FILE_BLOCKS, blocks: FILE_BLOCKS }
    return [{ first, last: first + FILE_BLOCKS - 1, ...size, newest: facts.version, hash: String(first) }]
  })
  return (await Promise.all(found)).flat()
}

/** A file whose lookup fails counts as present: fetching it reports the error for this file only. */
async function lookOrTry(files: FilesPort, key: FileKey): Promise<FileFacts | undefined> {
  return await files.look(key).catch((error: unknown) => {
    if (error instanceof BackfillError && error.rangeOnly) return { bytes: undefined, version: 0 }
    throw error
  })
}

export function firstBlocks({ from, to }: Range): readonly number[] {
  const first = Math.floor(from / FILE_BLOCKS)
  const files = Math.max(0, Math.floor(to / FILE_BLOCKS) - first + 1)
  return Array.from({ length: files }, (_, index) => (first + index) * FILE_BLOCKS)
}
