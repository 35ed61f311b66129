// Owns the plan of an import: its tables, its files and the blocks to import.
import { usageError } from '../../model/errors.ts'
import { FILE_BLOCKS, type FilesPort } from './files-port.ts'
import { shortName } from '../../model/table-key.ts'
import { type BlockSet, blockSet, intersect, type Range, subtract, union } from '../../model/blocks.ts'
import { knownNames } from '../../model/did-you-mean.ts'
import { readTableStatuses } from '../../planning/table-status.ts'
import type { Workspace } from '../../runner/workspace.ts'
import type { FileColumn } from './file-columns.ts'
import type { TableDefinition } from '../../model/model.ts'

/** Extends the range to whole files. */
export function wholeFiles({ from, to }: Range): Range {
  const first = Math.floor(from / FILE_BLOCKS) * FILE_BLOCKS
  return { from: first, to: (Math.floor(to / FILE_BLOCKS) + 1) * FILE_BLOCKS - 1 }
}

export function countFiles(blocks: BlockSet): number {
  return blocks.reduce((sum, { from, to }) => sum + (to - from + 1) / FILE_BLOCKS, 0)
}

/** The tables with these names, with or without `canonical_execution_`, or all. @throws BackfillError `usage` */
export function chooseImports(
  tables: readonly ImportTable[],
  names: readonly string[],
): readonly ImportTable[] {
  const known = tables.map(({ target }) => shortName(target))
  const wanted = names.map(shortName)
  const wrong = wanted.findIndex((name) => !known.includes(name))
  if (wrong !== -1)
    throw usageError(
      `unknown source table '${names[wrong]}'`,
      knownNames('source tables', wanted[wrong]!, known),
    )
  return names.length === 0 ? tables : tables.filter(({ target }) => wanted.includes(shortName(target)))
}

export type ImportPlan = {
  readonly network: string
  readonly range: Range
  readonly tables: readonly {
    readonly table: string
    /** With its database. */
    readonly target: string
    readonly create: boolean
    /** Blocks of files that are imported, changed since their import, would be imported, or do not exist. */
    readonly done: BlockSet
    readonly changed: BlockSet
    readonly files: BlockSet
    readonly missing: BlockSet
    /** Total size of the files that would be imported, as far as known. */
    readonly bytes: number
  }[]
}

export type ImportQuestion = {
  readonly range: Range
  /** By table key: files that count as not imported. */
  readonly changed: ReadonlyMap<string, BlockSet>
}

/** Looks up every file that is not imported yet; writes nothing. @throws BackfillError */
export async function planImport(
  workspace: Workspace,
  files: FilesPort,
  { range, changed }: ImportQuestion,
): Promise<ImportPlan> {
  const tableStatuses = await readTableStatuses(workspace, { lag: 0, forcedHead: undefined })
  const tables = await Promise.all(
    workspace.chosen.map(async ({ key, target: table }) => {
      const tableStatus = tableStatuses.get(key)!
      const anew = changed.get(key) ?? []
      const missing = union(tableStatus.missing, anew)
      const found: Range[] = []
      let bytes = 0
      for (const { from, to } of missing)
        for (let window = from; window <= to; window += FILES_AT_ONCE * FILE_BLOCKS) {
          const until = Math.min(to, window + FILES_AT_ONCE * FILE_BLOCKS - 1)
          const looked = await Promise.all(
            Array.from({ length: (until - window + 1) / FILE_BLOCKS }, async (_, index) => {
              const first = window + index * FILE_BLOCKS
              return { first, facts: await files.look({ table, first }) }
            }),
          )
          for (const { first, facts } of looked) {
            if (facts === undefined) continue
            found.push({ from: first, to: first + FILE_BLOCKS - 1 })
            bytes += facts.bytes ?? 0
          }
        }
      const there = intersect(missing, blockSet(found))
      return {
        table: shortName(table),
        target: `${workspace.ports.target.database}.${table}`,
        create: tableStatus.target === undefined,
        done: subtract(intersect(tableStatus.covered, [range]), anew),
        changed: anew,
        files: there,
        missing: subtract(missing, there),
        bytes,
      }
    }),
  )
  return { network: workspace.network.name, range, tables }
}

/** Lookups at once for one table. */
const FILES_AT_ONCE = 250

/** `target` is the source table that the import fills; its only source is the table's files. */
export type ImportTable = TableDefinition & {
  /** Columns that it reads from a file. */
  readonly fileColumns: readonly FileColumn[]
}
