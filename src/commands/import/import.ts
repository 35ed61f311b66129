// Owns the plan of an import: its tables, its files and the blocks to import.
import { usageError } from '../../model/errors.ts'
import { firstBlocks } from './files/file-source.ts'
import { FILE_BLOCKS, type FilesPort } from './files-port.ts'
import { shortName } from '../../model/table-key.ts'
import {
  type BlockSet,
  blockSet,
  countBlocks,
  intersect,
  type Range,
  subtract,
  union,
} from '../../model/blocks.ts'
import { knownNames } from '../../model/did-you-mean.ts'
import { readTableStatuses } from '../../planning/table-status.ts'
import type { Workspace } from '../../runner/workspace.ts'
import type { ImportTable } from './sql.ts'

export function wholeFiles({ from, to }: Range): Range {
  const first = Math.floor(from / FILE_BLOCKS) * FILE_BLOCKS
  return { from: first, to: (Math.floor(to / FILE_BLOCKS) + 1) * FILE_BLOCKS - 1 }
}

export function countFiles(blocks: BlockSet): number {
  return countBlocks(blocks) / FILE_BLOCKS
}

/** The tables with these names, with or without `canonical_execution_`, or all. @throws BackfillError `usage` */
export function chooseImports(
  tables: readonly ImportTable[],
  names: readonly string[],
): readonly ImportTable[] {
  const known = tables.map(({ target }) => shortName(target))
  const wanted = names.map(shortName)
  const wrong = wanted.find((name) => !known.includes(name))
  if (wrong !== undefined)
    throw usageError(`unknown source table '${wrong}'`, knownNames('source tables', wrong, known))
  return names.length === 0 ? tables : tables.filter(({ target }) => wanted.includes(shortName(target)))
}

export type ImportPlan = Awaited<ReturnType<typeof planImport>>

/** Looks up every file that is not imported yet, or `changed` (by table key). @throws BackfillError */
export async function planImport(
  workspace: Workspace,
  files: FilesPort,
  { range, changed }: { readonly range: Range; readonly changed: ReadonlyMap<string, BlockSet> },
) {
  const tableStatuses = await readTableStatuses(workspace, { lag: 0 })
  const tables = await Promise.all(
    workspace.chosen.map(async ({ key, target: table }) => {
      const { missing, covered, target } = tableStatuses.get(key)!
      const anew = changed.get(key) ?? []
      const wanted = union(missing, anew)
      const looked = await Promise.all(
        wanted
          .flatMap(firstBlocks)
          .map(async (first) => ({ first, facts: await files.look({ table, first }) })),
      )
      const found = looked.filter(({ facts }) => facts !== undefined)
      const there = blockSet(found.map(({ first }) => ({ from: first, to: first + FILE_BLOCKS - 1 })))
      return {
        table: shortName(table),
        target: `${workspace.ports.target.database}.${table}`,
        create: target === undefined,
        /** Blocks of files that are imported, changed since their import, would be imported (`blocks`), or do not exist. */
        done: subtract(intersect(covered, [range]), anew),
        changed: anew,
        files: found.length,
        blocks: there,
        missing: subtract(wanted, there),
        bytes: found.reduce((sum, { facts }) => sum + (facts?.bytes ?? 0), 0),
      }
    }),
  )
  return { network: workspace.network.name, range, tables }
}
