// Owns what is verified together: done blocks that one version of the SQL built with the same forks, cut by row estimates; and that version, which the
// ledger keeps.
import { hash } from 'node:crypto'
import { blockSet, countBlocks, intersect, type Range, namedBlocks } from '../../model/blocks.ts'
import { cutChunks, type Sizing, type RowEstimates } from '../../planning/row-estimates.ts'
import type { Island } from '../../ledger/events.ts'
import type { LatestEvent } from '../../ledger/latest-events.ts'
import { readForks } from '../../ledger/built-from.ts'
import { shortHash, splitStaleTag } from '../../ledger/stale.ts'
import { usageError } from '../../model/errors.ts'
import type { Network, TableDefinition } from '../../model/model.ts'
import { earlierDefinition } from '../../project/definitions.ts'
import { describeTransform, readerOf, transformParams } from '../../targets/transform.ts'
import type { Workspace } from '../../runner/workspace.ts'
import { readSides, type Sides } from '../../targets/compare-sides.ts'
import type { Connected } from '../../workspace/connect.ts'

/** From the latest events. Small neighbours are merged, because a ledger may have 10^6 of them. */
export async function builtRowEstimates(pages: AsyncIterable<readonly LatestEvent[]>): Promise<RowEstimates> {
  const rowEstimates: { from: number; to: number; rows: number }[] = []
  for await (const page of pages)
    for (const { range, event, eventRange, ...of } of page) {
      if (event !== 'done') continue
      const rows = (of.rows * countBlocks([range])) / countBlocks([eventRange])
      const last = rowEstimates.at(-1)
      if (
        last !== undefined &&
        last.to + 1 === range.from &&
        last.rows + rows < LITTLE_ROWS * 2 ** (rowEstimates.length / COARSER_AFTER)
      ) {
        last.to = range.to
        last.rows += rows
      } else rowEstimates.push({ ...range, rows })
    }
  return rowEstimates
}

const LITTLE_ROWS = 500_000

/** After this many estimates the limit for small ones doubles, so that any number of events fits into memory. */
const COARSER_AFTER = 5_000

/** Done blocks that one version of the SQL built, with the same forks (as in `Island`). */
export type VerifyChunk = Range & Pick<Island, 'sqlHash' | 'forks'>

export function verifyChunks(
  done: readonly VerifyChunk[],
  wanted: Range,
  sizing: Sizing,
): readonly VerifyChunk[] {
  const versions = Map.groupBy(done, ({ sqlHash, forks }) => `${sqlHash} ${forks}`)
  return [...versions.values()]
    .flatMap((islands) => {
      const { sqlHash, forks } = islands[0]!
      const blocks = intersect(blockSet(islands), [wanted])
      return cutChunks(blocks, sizing, 'oldest').map(({ from, to }) => ({ from, to, sqlHash, forks }))
    })
    .toSorted((a, b) => a.from - b.from)
}

/** A uniform random sample of `size` items in their order; all items if there are no more than `size`. */
export function sample<T>(items: readonly T[], size: number, seed: number): readonly T[] {
  const order = items.map((_, index) => [hash('md5', `${seed} ${index}`), index] as const)
  const chosen = new Set(
    order
      .toSorted(([one], [other]) => (one < other ? -1 : 1))
      .slice(0, size)
      .map(([, index]) => index),
  )
  return items.filter((_, index) => chosen.has(index))
}

export type Version = { readonly table: TableDefinition; readonly sides: Sides; readonly network: Network }

/** Each version is described by the server once. @throws BackfillError `usage` if the ledger has no text of it; `server` */
export async function openVersions(
  { network, ports: { versions } }: Workspace,
  { source, target }: Pick<Connected, 'source' | 'target'>,
  table: TableDefinition,
): Promise<(chunk: VerifyChunk) => Promise<Version>> {
  const texts = await versions.texts(table.key)
  const found = new Map<string, Promise<Version>>()

  async function versionOf({ sqlHash, forks, from, to }: VerifyChunk): Promise<Version> {
    const { hash: builtBy } = splitStaleTag(sqlHash)
    const kept = texts.findLast((text) => text.sqlHash === builtBy)
    if (kept === undefined && builtBy !== table.sqlHash)
      throw usageError(
        `the ledger has no text of the SQL (${shortHash(builtBy)}) that built ${namedBlocks([{ from, to }])} of ${table.key}`,
        `without --as-built they are compared with ${table.transform.file}`,
      )
    const built = kept === undefined ? table : earlierDefinition(table, kept)
    const then = { ...network, forks: { ...network.forks, ...readForks(forks) } }
    const places = { source: source.connection, target: target.connection }
    const params = transformParams({ table: built, range: { from, to }, network: then, ...places })
    const reader = readerOf({ source, target }, built)
    const describe = () => describeTransform(reader, built, { params, settings: built.settings })
    return { table: built, sides: await readSides(target, describe, built), network: then }
  }

  return (chunk) => {
    const key = `${splitStaleTag(chunk.sqlHash).hash} ${chunk.forks}`
    const version = found.get(key) ?? versionOf(chunk)
    found.set(key, version)
    return version
  }
}
