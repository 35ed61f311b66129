// Owns catalogues in which a test has moved a fork, limited a table, or added a table, as a person would in the files.
import type { Catalogue, TableDefinition } from '../../src/model/model.ts'
import { sqlHash } from '../../src/project/sql-hash.ts'

const change = (catalogue: Catalogue, key: string, edit: (table: TableDefinition) => TableDefinition) => ({
  ...catalogue,
  tables: catalogue.tables.map((table) => (table.key === key ? edit(table) : table)),
})

/** Dencun begins at this block on every network. */
export function withDencun(catalogue: Catalogue, first: number): Catalogue {
  const networks = catalogue.networks.map((one) => ({ ...one, forks: { ...one.forks, dencun: first } }))
  return { ...catalogue, networks }
}

/** The table holds the blocks since Dencun. */
export function sinceDencun(catalogue: Catalogue, key: string): Catalogue {
  return change(catalogue, key, (table) => ({
    ...table,
    blocks: { from: { fork: 'dencun', offset: 0 }, to: undefined },
  }))
}

/** The table's transform uses Dencun. */
export function usingDencun(catalogue: Catalogue, key: string): Catalogue {
  return change(catalogue, key, (table) => ({ ...table, parameters: [...table.parameters, 'dencun'] }))
}

/** `first_blocks` keeps the first block of each remainder by five, `newcomers` counts them for each block. */
export function addNewcomers(base: Catalogue): Catalogue {
  const model = base.tables.find(({ key }) => key === 'block_slots_stat')!
  const between = 'block_number BETWEEN {from_block:UInt64} AND {to_block:UInt64}'
  const table = (
    key: string,
    {
      select,
      ddl,
      ...rest
    }: Pick<TableDefinition, 'rows' | 'sources' | 'after'> & { select: string; ddl: string },
  ): TableDefinition => {
    const [target, transform] = [`int_${key}`, { ...model.transform, text: select }]
    const text = `CREATE TABLE IF NOT EXISTS {target:Identifier}.${target} ${ddl}`
    return {
      ...model,
      ...rest,
      key,
      target,
      transform,
      sqlHash: sqlHash(transform, model),
      ddl: { ...model.ddl, text },
    }
  }
  const firsts = table('first_blocks', {
    rows: { kind: 'per-key', keep: 'earliest', column: 'block_number' },
    sources: ['canonical_execution_transaction'],
    after: [],
    select: `SELECT toUInt8(b % 5) AS remainder, toUInt32(min(b)) AS block_number FROM (SELECT block_number AS b
      FROM {source:Identifier}.canonical_execution_transaction FINAL WHERE meta_network_name = {network:String} AND ${between}) GROUP BY remainder`,
    ddl: `(remainder UInt8, block_number UInt32, version UInt32 DEFAULT 4294967295 - block_number)
      ENGINE = ReplacingMergeTree(version) ORDER BY remainder`,
  })
  const newcomers = table('newcomers', {
    rows: { kind: 'per-block' },
    sources: [],
    after: ['first_blocks'],
    select: `SELECT toUInt32(b) AS block_number, toUInt8(count()) AS n FROM (SELECT block_number AS b
      FROM {target:Identifier}.int_first_blocks FINAL WHERE ${between}) GROUP BY b`,
    ddl: '(block_number UInt32, n UInt8) ENGINE = ReplacingMergeTree ORDER BY block_number',
  })
  return { ...base, tables: [...base.tables, firsts, newcomers] }
}
