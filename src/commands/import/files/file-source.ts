// Owns the public files as a source for the runner: a file is 1,000 present blocks, a missing file is a source gap.
import { BackfillError } from '../../../model/errors.ts'
import type { Range } from '../../../model/blocks.ts'
import type { Bucket } from '../../../sources/availability.ts'
import { FILE_BLOCKS, type FileFacts, type FileKey, type FilesPort } from '../files-port.ts'
import type { SourcePort } from '../../../sources/source.ts'

/** File versions stand for the newest rows in buckets and fingerprints: both are only compared for equality. */
export function fileSource(files: FilesPort, range: Range): SourcePort {
  const within = ({ from, to }: Range) => ({ from: Math.max(from, range.from), to: Math.min(to, range.to) })
  return {
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
    assertReadable: async () => {}, // files are no views
    policies: async () => [],
    hasTimes: false,
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
