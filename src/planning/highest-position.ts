// Owns the highest position that the tables of a source can hold: a row of a higher one would stand there as one of another block.
import { isPosition, type TableDefinition } from '../model/model.ts'
import { MAX_BLOCK } from '../sources/source.ts'
import { ddlColumns } from '../sql-syntax/create-table.ts'

/** Of the tables that read the source; higher positions are taken for mistakes. */
export function highestPosition(tables: readonly TableDefinition[], source: string): number {
  const readers = tables.filter(({ sources }) => sources.includes(source))
  return Math.min(MAX_BLOCK, ...readers.map(highestOf))
}

function highestOf({ ddl, position }: TableDefinition): number {
  const column = ddlColumns(ddl).find(({ name }) => isPosition(name, position))
  const [, unsigned, bits] = /^(U?)Int(8|16|32)$/.exec(column?.type ?? '') ?? []
  return bits === undefined ? MAX_BLOCK : 2 ** (Number(bits) - (unsigned === '' ? 1 : 0)) - 1
}
