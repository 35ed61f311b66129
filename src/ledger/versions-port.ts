// Owns what the runner needs to know of the SQL that built a table: its text, and when it was at work.
import type { TableDefinition } from '../model/model.ts'
import type { Lock } from '../lock/lock-port.ts'
import type { BlockSet } from '../model/blocks.ts'

/** One file as it was when a table was first locked for work with it. */
export type SqlVersion = {
  /** sha256 (hex) as in `TableDefinition`. */
  readonly sqlHash: string
  readonly rawHash: string
  /** Path as it was shown then. */
  readonly file: string
  /** The whole file, header and comments included. */
  readonly text: string
  /** Server time, ISO 8601 UTC. */
  readonly keptAt: string
}

export type BuiltQuestion = {
  readonly key: string
  readonly targetUuid: string
  /** In the forms in which the events may have it. */
  readonly sqlHashes: readonly string[]
  readonly blocks: BlockSet
}

/** First and last `done` of some blocks by the server's clock, ISO 8601 UTC. */
export type BuiltAt = { readonly from: string; readonly to: string }

export type VersionsPort = {
  /**
   * Keeps the file of a table's transform, under the lock's fence, unless it is there already. Does nothing in a ledger
   * that an older version's files made.
   */
  keep(lock: Lock, table: TableDefinition): Promise<void>
  /** All that was kept of a table, oldest first; a ledger without texts has none. */
  texts(key: string): Promise<readonly SqlVersion[]>
  /** When the blocks were built with the SQL of that hash; undefined where no event says so. Answers in the order asked. */
  built(questions: readonly BuiltQuestion[]): Promise<readonly (BuiltAt | undefined)[]>
}
