// Owns what a rebuild needs of the target server beside the ports of a run: tables by their names, and moving names.

/** A table of the target database. */
export type NamedTable = {
  readonly name: string
  readonly uuid: string
  readonly engine: string
  /** Rows before merging and bytes on disk; null where the engine does not count them. */
  readonly rows: number | null
  readonly bytes: number | null
}

export type RebuildPort = {
  /** The tables whose names begin so. @throws BackfillError `server` */
  tables(prefix: string): Promise<readonly NamedTable[]>
  /** Engine of the target database: EXCHANGE needs Atomic. */
  databaseEngine(): Promise<string>
  /** @throws BackfillError `failed` where `from` is not there, or `to` is */
  rename(from: string, to: string): Promise<void>
  /** Both at once: no reader sees one of the names without a table. @throws BackfillError `failed` where one is not there */
  exchange(one: string, other: string): Promise<void>
  /** Drops a table with its rows, however big, if it is there. */
  drop(name: string): Promise<void>
}
