// Owns catalogues in which a test has edited one table's transform, as a person would edit its file.
import { sqlHash } from '../../src/project/sql-hash.ts'
import type { Catalogue, TableDefinition } from '../../src/model/model.ts'

export type Edit = {
  /** The transform's SELECT; that of the file where it is not given. */
  readonly sql?: string
  readonly settings?: Readonly<Record<string, string>>
}

/** Rows are read, made and written one by one, in order: what fails in the middle leaves the rows before it. */
export const ROW_BY_ROW: Readonly<Record<string, string>> = {
  max_threads: '1',
  max_insert_threads: '1',
  max_block_size: '1',
  min_insert_block_size_rows: '1',
  min_insert_block_size_bytes: '1',
}

export function edited(catalogue: Catalogue, key: string, { sql, settings = {} }: Edit): Catalogue {
  const edit = (table: TableDefinition): TableDefinition => {
    const transform = { ...table.transform, text: sql ?? table.transform.text }
    const hash = sqlHash(transform, { params: table.params, settings })
    return { ...table, transform, settings, sqlHash: hash, rawText: transform.text, rawHash: hash }
  }
  return { ...catalogue, tables: catalogue.tables.map((table) => (table.key === key ? edit(table) : table)) }
}

/** A transform for `block_slots_stat`, in order of blocks: one row for each block that `condition` lets through. */
export function blocksWhere(condition: string): string {
  return `SELECT toUInt32(block_number) AS block_number, toUInt32(0) AS slots_cleared, toUInt32(count()) AS slots_set
FROM {source:Identifier}.canonical_execution_transaction FINAL
WHERE meta_network_name = {network:String} AND block_number BETWEEN {from_block:UInt64} AND {to_block:UInt64}
  AND success AND ${condition}
GROUP BY block_number
ORDER BY block_number`
}

/** Two more tables read block_slots_stat: `slot_blocks` has its blocks, `slot_parity` one row for each parity. */
export function addReaders(base: Catalogue): Catalogue {
  const input = base.tables.find(({ key }) => key === 'block_slots_stat')!
  const reader = (key: string, rest: Pick<TableDefinition, 'rows'> & { select: string; after: string[] }) => {
    const name = `int_${key}`
    const transform = { ...input.transform, text: rest.select }
    return {
      ...input,
      key,
      target: name,
      sources: [],
      after: rest.after,
      rows: rest.rows,
      transform,
      sqlHash: sqlHash(transform, input),
      clusterDdl: [],
      ddl: {
        ...input.ddl,
        text: `CREATE TABLE IF NOT EXISTS {target:Identifier}.${name} (parity UInt8, block_number UInt32)
          ENGINE = ReplacingMergeTree(block_number) ORDER BY ${rest.rows.kind === 'per-key' ? 'parity' : 'block_number'}`,
      },
    }
  }
  const between = 'block_number BETWEEN {from_block:UInt64} AND {to_block:UInt64}'
  const blocks = reader('slot_blocks', {
    rows: { kind: 'per-block' },
    after: ['block_slots_stat'],
    select: `SELECT toUInt8(block_number % 2) AS parity, block_number FROM {target:Identifier}.int_block_slots_stat FINAL WHERE ${between}`,
  })
  const keys = reader('slot_parity', {
    rows: { kind: 'per-key', keep: 'latest', column: 'block_number' },
    after: ['slot_blocks'],
    select: `SELECT parity, max(b) AS block_number FROM (SELECT parity, block_number AS b FROM {target:Identifier}.int_slot_blocks FINAL WHERE ${between}) GROUP BY parity`,
  })
  return { ...base, tables: [...base.tables, blocks, keys] }
}
