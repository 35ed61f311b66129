// Owns what done ranges were built with: the SQL that the ledger keeps, and the forks of that time.
import { namedBlocks } from '../../model/blocks.ts'
import { readForks } from '../../ledger/built-from.ts'
import { shortHash, splitStaleTag } from '../../ledger/stale.ts'
import { usageError } from '../../model/errors.ts'
import type { Network, TableDefinition } from '../../model/model.ts'
import { earlierDefinition } from '../../project/definitions.ts'
import { describeTransform, readerOf, transformParams } from '../../targets/transform.ts'
import type { Workspace } from '../../runner/workspace.ts'
import type { VerifyChunk } from './chunks.ts'
import { readSides, type Sides } from '../../targets/compare-sides.ts'
import type { Connected } from '../../workspace/connect.ts'

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
    const { hash } = splitStaleTag(sqlHash)
    const kept = texts.findLast((text) => text.sqlHash === hash)
    if (kept === undefined && hash !== table.sqlHash)
      throw usageError(
        `the ledger has no text of the SQL (${shortHash(hash)}) that built ${namedBlocks([{ from, to }])} of ${table.key}`,
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
