// Owns the texts of a new table's files: small ones that are sound as they stand, with comments that teach.

/** A table that the new one reads. */
export type ScaffoldInput = {
  readonly kind: 'source' | 'derived'
  /** As the header names it: a source table, or the key of a derived one. */
  readonly header: string
  /** As the SQL names it, without database. */
  readonly table: string
  /** As a unit test names it. */
  readonly short: string
  /** The column that holds an address; undefined where it has none. */
  readonly address: string | undefined
}

export type Scaffold = {
  readonly key: string
  readonly inputs: readonly ScaffoldInput[]
  /** `per-key`: the latest row of each address; every input has an address then. */
  readonly rows: 'per-block' | 'per-key'
}

export type ScaffoldTexts = { readonly ddl: string; readonly transform: string; readonly test: string }

export function scaffold(table: Scaffold): ScaffoldTexts {
  return { ddl: ddlText(table), transform: transformText(table), test: testText(table) }
}

/** The target of a new table. */
export function targetName(key: string): string {
  return `int_${key}`
}

function transformText({ key, inputs, rows }: Scaffold): string {
  const named = (kind: ScaffoldInput['kind']) =>
    inputs.filter((input) => input.kind === kind).map(({ header }) => header)
  const [sources, after] = [named('source'), named('derived')]
  const list = inputs.map(({ short }) => short).join(', ')
  const perBlock = rows === 'per-block'
  return [
    `--! description: ${perBlock ? `Rows of ${list}, per block` : `Last block in which an address occurs in ${list}`}`,
    `--! target: ${targetName(key)}`,
    ...(sources.length > 0 ? [`--! sources: ${sources.join(', ')}`] : []),
    ...(after.length > 0 ? [`--! after: ${after.join(', ')}`] : []),
    `--! rows: ${perBlock ? 'per-block' : 'per-key latest block_number'}`,
    '',
    '-- One SELECT that computes the blocks from {from_block:UInt64} to {to_block:UInt64}, both included. The runner puts',
    '-- the INSERT around it and matches columns by name. Every table that is read is named in the header above.',
    'SELECT',
    ...(perBlock
      ? [
          '    -- An INSERT would narrow silently, so it is done by hand where the value is known to fit.',
          '    toUInt32(block) AS block_number,',
          '    toUInt32(count()) AS row_count',
        ]
      : [
          '    account AS address,',
          '    -- An INSERT would narrow silently, so it is done by hand where the value is known to fit.',
          '    toUInt32(max(block)) AS block_number',
        ]),
    'FROM',
    '(',
    '    -- FINAL, because rows can be written again. Names of their own (block), because an alias hides a column.',
    inputs.map((input) => inputText(input, perBlock)).join('    UNION ALL\n') + ')',
    // One row per key of the target within one INSERT.
    `GROUP BY ${perBlock ? 'block' : 'account'}`,
    '',
  ].join('\n')
}

function inputText({ kind, table, address }: ScaffoldInput, perBlock: boolean): string {
  const columns = perBlock ? 'block_number AS block' : `lower(${address}) AS account, block_number AS block`
  const blocks = 'block_number BETWEEN {from_block:UInt64} AND {to_block:UInt64}'
  return [
    `    SELECT ${columns}`,
    `    FROM {${kind === 'source' ? 'source' : 'target'}:Identifier}.${table} FINAL`,
    ...(kind === 'source'
      ? ['    WHERE meta_network_name = {network:String}', `      AND ${blocks}`]
      : [`    WHERE ${blocks}`]),
    '',
  ].join('\n')
}

function ddlText({ key, rows }: Scaffold): string {
  const head = `CREATE TABLE IF NOT EXISTS {target:Identifier}.${targetName(key)}`
  if (rows === 'per-block') {
    return `--! shard: block_number

-- A row belongs to one block (rows: per-block): a range can be deleted and done again.
${head}
(
    block_number UInt32 COMMENT 'Block' CODEC(ZSTD(1)),
    row_count    UInt32 COMMENT 'Rows of the block' CODEC(ZSTD(1))
)
-- Of rows with the same ORDER BY one is kept, so that a range can be run again. The key has block_number, and what
-- PARTITION BY names is part of the key.
ENGINE = ReplacingMergeTree
PARTITION BY intDiv(block_number, 5000000)
ORDER BY block_number
COMMENT '${key}: say here what a row is'
`
  }
  return `--! shard: cityHash64(address)

-- Rows are merged over history (rows: per-key latest block_number): a range can be run again, but not taken back.
${head}
(
    address      String COMMENT 'Address, lower case' CODEC(ZSTD(1)),
    block_number UInt32 COMMENT 'Last block in which it occurs' CODEC(ZSTD(1))
)
-- Of rows with the same ORDER BY the one with the highest block_number is kept. For the lowest: per-key earliest in the
-- header, and a version column that falls as block_number rises, as in int_address_first_access.
ENGINE = ReplacingMergeTree(block_number)
PARTITION BY cityHash64(address) % 16
ORDER BY address
COMMENT '${key}: say here what a row is'
`
}

function testText({ inputs, rows }: Scaffold): string {
  const given = inputs.flatMap(({ short, address, kind }) => {
    const column = kind === 'derived' || rows === 'per-key' ? address : undefined
    const row = (block: number, value: string) => {
      const cells = [`block_number: ${block}`, ...(column === undefined ? [] : [`${column}: ${value}`])]
      return `    - { ${cells.join(', ')} }`
    }
    return [`  ${short}:`, row(100, '0xa'), row(101, '0xb'), row(102, '0xc')]
  })
  const expected =
    rows === 'per-block'
      ? [100, 101].map((block) => `  - { block_number: ${block}, row_count: ${inputs.length} }`)
      : ['  - { address: 0xa, block_number: 100 }', '  - { address: 0xb, block_number: 101 }']
  return [
    '# Given these rows, and no others, the transform yields exactly the rows below. Columns that a row does not name',
    '# have defaults: docs/testing-transforms.md.',
    'description: Rows of the range count, those of the block behind it do not',
    'range: 100-101',
    'given:',
    ...given,
    'expect:',
    ...expected,
    '',
  ].join('\n')
}
