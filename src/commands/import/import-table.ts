// Owns what an import of one source table is: a transform that reads a file instead of tables.
import type { FileColumn } from './file-columns.ts'
import type { TableDefinition } from '../../model/model.ts'

/** `target` is the source table that it fills; its only source is the table's files. */
export type ImportTable = TableDefinition & {
  /** What it reads of a file. */
  readonly fileColumns: readonly FileColumn[]
}
