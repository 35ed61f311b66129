// Owns the types of unit tests for transforms: given rows, expected rows and results.
import type { Network, TableDefinition } from '../../model/model.ts'
import type { Range } from '../../model/blocks.ts'

/** As ClickHouse reads it from JSON; numbers are text, so that no digit of a UInt256 is lost. */
export type Cell = string | boolean | null | JsonText | readonly Cell[] | { readonly [key: string]: Cell }

/** A value of a type that `isDynamic`, as JSON: what is a number there stays one. */
export class JsonText {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

/** Column name to value; columns that are absent get the table's defaults. */
export type Row = Readonly<Record<string, Cell>>

export type UnitTest = {
  /** `<table key>/<file name without ending>`. */
  readonly name: string
  readonly file: string
  readonly description: string
  readonly table: TableDefinition
  readonly network: Network
  readonly range: Range
  /** Name of a source or derived table, without database, to its rows. Inputs that are absent here are empty. */
  readonly given: ReadonlyMap<string, readonly Row[]>
  readonly expected: {
    /** The compared columns, in the order of the DDL. */
    readonly columns: readonly string[]
    readonly rows: readonly Row[]
  }
}

/** A row as the server printed it, in the order of the compared columns. */
export type Values = readonly unknown[]

export type UnitTestResult = {
  readonly test: UnitTest
  readonly passed: boolean
  readonly elapsedMs: number
  /** The server's error if the transform or the INSERT of the rows failed; or that only two statements make other rows. */
  readonly error: string | undefined
  readonly diff: RowDiff
}

export type RowDiff = {
  readonly missing: readonly Values[]
  readonly unexpected: readonly Values[]
  readonly same: number
}
