// Owns the rows of a test file: the allowed columns, and the defaults of a given row.
import { type BackfillError, usageError } from '../../model/errors.ts'
import type { Range } from '../../model/blocks.ts'
import type { DdlColumn } from '../../sql-syntax/create-table.ts'
import { knownNames } from '../../model/did-you-mean.ts'
import type { Cell, Row, UnitTest } from './unit-test.ts'
import { readCell } from './cell.ts'
import type { YamlEntry, YamlNode } from './yaml-tree.ts'

export type GivenContext = { readonly network: string; readonly range: Range }

/**
 * The rows to write into an input of a transform. The defaults of a row: `meta_network_name` is the test's network,
 * `block_number` the first block of its range, `internal_index` counts the rows from 1, `success` is true, and
 * `transaction_hash` is derived from the block and the `transaction_index`. A row may name `transaction_index` for that
 * purpose even if the table has no such column.
 */
export function givenRows(
  node: YamlNode,
  columns: readonly DdlColumn[],
  { network, range }: GivenContext,
): readonly Row[] {
  const has = (wanted: string) => columns.some(({ name }) => name === wanted)
  const named =
    has('transaction_index') || !has('transaction_hash') ? columns : [...columns, TRANSACTION_INDEX]
  return listOf(node).map((item, index) => {
    const { block_number = String(range.from), transaction_index = '0', ...rest } = readRow(item, named)
    const row: Row = {
      meta_network_name: network,
      internal_index: String(index + 1),
      success: true,
      transaction_hash: hashOf(block_number, transaction_index),
      block_number,
      transaction_index,
      ...rest,
    }
    return Object.fromEntries(Object.entries(row).filter(([name]) => has(name)))
  })
}

/**
 * The expected rows. All rows name the same columns, and these are compared. If no row is expected, all columns are
 * compared, to show the rows that are found.
 */
export function expectedRows(node: YamlNode, columns: readonly DdlColumn[]): UnitTest['expected'] {
  const items = listOf(node)
  const rows = items.map((item) => readRow(item, columns))
  const wanted = columns.map(({ name }) => name).filter((name) => rows.some((row) => name in row))
  for (const [index, row] of rows.entries()) {
    const missing = wanted.find((name) => !(name in row))
    if (missing === undefined) continue
    throw usageError(
      `${items[index]!.place}: the row lacks '${missing}', which another row has`,
      'name the same columns in every expected row',
    )
  }
  return { columns: wanted.length > 0 ? wanted : columns.map(({ name }) => name), rows }
}

/** Readable, and unlike any real hash: `0x`, the block and the index, each in 32 decimal digits. */
function hashOf(...numbers: readonly Cell[]): string {
  return `0x${numbers.map((number) => (number as string).padStart(32, '0')).join('')}`
}

const TRANSACTION_INDEX: DdlColumn = { name: 'transaction_index', type: 'UInt64', defaultKind: '' }

function readRow(node: YamlNode, columns: readonly DdlColumn[]): Row {
  if (node.kind !== 'map') throw expected(node, 'a row', 'write { column: value, … }')
  return Object.fromEntries(node.entries.map((entry) => [entry.key, readColumn(entry, columns)]))
}

function readColumn({ key, place, value }: YamlEntry, columns: readonly DdlColumn[]): Cell {
  const column = columns.find(({ name }) => name === key)
  if (column !== undefined) return readCell(value, key, column.type)
  throw usageError(
    `${place}: unknown column '${key}'`,
    knownNames(
      'columns',
      key,
      columns.map(({ name }) => name),
    ),
  )
}

function listOf(node: YamlNode): readonly YamlNode[] {
  if (node.kind === 'list') return node.items
  throw expected(
    node,
    'a list of rows',
    'write rows below each other, - { column: value, … }, or [] for none',
  )
}

export function expected(node: YamlNode, what: string, hint: string): BackfillError {
  const found = node.kind === 'scalar' ? (node.text === '' ? 'nothing' : `'${node.text}'`) : `a ${node.kind}`
  return usageError(`${node.place}: expected ${what}, found ${found}`, hint)
}
