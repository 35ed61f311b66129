// Owns the types of tables, sources and networks, which every layer uses.

/** How many blocks of a busy chain have a row in a source table (sql/source/*.sql, `--! block-coverage:`). */
export type BlockCoverage = 'every-block' | 'most-blocks' | 'sparse'

export type SqlText = {
  /** Path as shown to people, relative to the working directory if that is shorter. */
  readonly file: string
  /** The statement without its closing semicolon, comments included, exactly as written. */
  readonly text: string
  /** 1-based line of the statement's first character in `file`. */
  readonly line: number
}

/** A parameter that the transform declares, `--! params: min_value UInt64 = 1`. */
export type OwnParameter = {
  readonly name: string
  readonly type: string
  /** As it is bound: escapes are as written (sql-syntax/parameters.ts). */
  readonly value: string
}

/** Whether a row belongs to one block (a range can be deleted and redone) or is merged over history. */
export type RowsKind =
  | {
      readonly kind: 'per-block'
      /** Delete the rows of a failed attempt before the next one, even if the engine would replace them: no duplicates at any time. */
      readonly deletedFirst?: true
    }
  | { readonly kind: 'per-key'; readonly keep: 'earliest' | 'latest'; readonly column: string }

/** Whether the column, which decides the row that is kept, is the position of the row. */
export function isPosition(column: string, position: string): boolean {
  return position === column || position === `toUInt64(${column})`
}

/** What the positions of a table count: blocks, or seconds since 1970. Ledger, chunks and coverage see integers only. */
export type Unit = 'block' | 'second'

/** A number for each unit; a plain number is of whatever the tables count. */
export type PerUnit = number | Readonly<Partial<Record<Unit, number>>>

/** Undefined: none is typed for tables of this unit. */
export function inUnit(amount: PerUnit | undefined, unit: Unit): number | undefined {
  return typeof amount === 'object' ? amount[unit] : amount
}

export type TableDefinition = {
  /** Table key, the name a person types: `address_diffs`. */
  readonly key: string
  readonly description: string
  /** Table name without database: `int_address_diffs`. */
  readonly target: string
  /** Source tables it reads, without database: `canonical_execution_traces`. */
  readonly sources: readonly string[]
  /** Table keys it reads from the target database. */
  readonly after: readonly string[]
  readonly unit: Unit
  /** Position of a row of the target, an expression over its columns: `block_number`. */
  readonly position: string
  /** Tables that it reads whole, of either side: they bound nothing. */
  readonly lookups?: readonly string[]
  /** Of `after`: the tables that it reads from their first position on. */
  readonly history?: readonly string[]
  /** Ranges run one at a time, from the first position on. `itself`: because each reads the rows of all before it. */
  readonly sequential?: 'ordered' | 'itself' | undefined
  /** Columns of the target that have another value each time they are computed. */
  readonly volatile?: readonly string[]
  readonly tags?: readonly string[]
  /** Limits of the table's blocks, unresolved: `{ from: 'dencun' }` or `{ to: 'dencun-1' }`. */
  readonly blocks: BlockLimits
  readonly chunk: number | undefined
  /** ClickHouse settings for the statement, never the pinned ones. */
  readonly settings: Readonly<Record<string, string>>
  readonly params: readonly OwnParameter[]
  readonly rows: RowsKind
  /** CTE that another table's transform has too, so that it can be computed once for both (sql-syntax/shared-cte.ts). */
  readonly shared: string | undefined
  /** Promise: blocks are done within this many seconds after their rows have arrived. */
  readonly fresh?: number | undefined
  readonly transform: SqlText
  /** SELECTs of rows that must not be in the target; a range is not done if one finds some. */
  readonly audits?: readonly SqlText[]
  readonly ddl: SqlText
  /** The same for a cluster: the local table, and the Distributed one over it; none without `--! shard:` in the file. */
  readonly clusterDdl: readonly SqlText[]
  /** Names of the `{name:Type}` parameters that the transform uses. */
  readonly parameters: readonly string[]
  /** sha256 (hex) of the transform without comments and insignificant white space: equal for "the same SQL". */
  readonly sqlHash: string
  /** sha256 (hex) of the transform file as it is on disk. */
  readonly rawHash: string
  /** The whole transform file, header and comments included. */
  readonly rawText: string
}

/** One end of `blocks`: a block number, or a fork's first block plus or minus some blocks. `time`: as written, if the position is a time. */
export type BlockLimit = {
  readonly fork: string | undefined
  readonly offset: number
  readonly time?: string
}

export type BlockLimits = { readonly from: BlockLimit | undefined; readonly to: BlockLimit | undefined }

export type SourceDefinition = {
  readonly table: string
  readonly blockCoverage: BlockCoverage
  /** Reading it as a view without FINAL is right: its rows are never written again. */
  readonly safeView: boolean
  readonly unit: Unit
  readonly columns: SourceColumns
  /** Distance of its complete rows from its newest one, and length of its source gaps, in units; undefined: as for all. */
  readonly lag: number | undefined
  readonly gap: number | undefined
  /** A SELECT of `ready_to`, up to which its rows are complete, and the `reason` why not further. */
  readonly ready?: SqlText | undefined
  readonly ddl: SqlText
}

export type SourceColumns = {
  /** An expression that yields an integer or a time. */
  readonly position: string
  /** The column with the network's name; undefined: all rows are of the network. */
  readonly network: string | undefined
  /** When the row was written; undefined: rewritten rows cannot be told. */
  readonly written: string | undefined
}

export const XATU_COLUMNS: SourceColumns = {
  position: 'block_number',
  network: 'meta_network_name',
  written: 'updated_date_time',
}

export type Network = {
  readonly name: string
  readonly forks: Readonly<Record<string, number>>
  /** Shortest run of blocks without any source row that counts as a source gap, in blocks. */
  readonly sourceGapBlocks: number
  /** Overrides of sql/source's block coverages, by source table. */
  readonly blockCoverage: Readonly<Record<string, BlockCoverage>>
}

/** The content of the SQL folder, checked offline: parameters known, no cycles, in dependency order. */
export type Catalogue = {
  readonly tables: readonly TableDefinition[]
  readonly sources: readonly SourceDefinition[]
  readonly networks: readonly Network[]
  /** Statements that create the ledger, in order; they use `{ledger:Identifier}` and `{locks:Identifier}`. */
  readonly ledger: readonly SqlText[]
  /** The same on all nodes of a cluster, locks in Keeper; they use `{keeper_path:String}` as well. */
  readonly clusterLedger: readonly SqlText[]
}

/** `zstd`: half as many bytes as `lz4` for more CPU; the source's user must be allowed to set it. */
export type Compression = (typeof COMPRESSIONS)[number]

export const COMPRESSIONS = ['lz4', 'zstd', 'none'] as const

export const DEFAULT_COMPRESSION: Compression = 'lz4'

/** Lower-case letters, digits and single underscores between them, a letter first. */
export function isTableKey(name: string): boolean {
  return /^[a-z][a-z0-9]*(_[a-z0-9]+)*$/.test(name)
}

/** As a table key, with hyphens, and a digit may be first: devnets are called `fusaka-devnet-3` and `4844-devnet-5`. */
export function isNetworkName(name: string): boolean {
  return /^[a-z0-9]+([-_][a-z0-9]+)*$/.test(name)
}

/** A table key that no derived table can have: their keys have no hyphen. */
export function importKey(source: string): string {
  return `import-${shortName(source)}`
}

export function isImportKey(key: string): boolean {
  return key.includes('-')
}

/** The short name for people: `traces` for `canonical_execution_traces`. */
export function shortName(source: string): string {
  return source.replace(/^canonical_execution_/, '')
}
