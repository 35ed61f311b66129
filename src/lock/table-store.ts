// Owns the statements for lock tables: a lock epoch is a table that only one runner can create.
import { sql } from 'kysely'
import type { Names } from '../clickhouse/own-databases.ts'
import { errorCode } from '../clickhouse/server-error.ts'
import type { Server } from '../clickhouse/server.ts'

const TABLE_ALREADY_EXISTS = 57

export type LockTable = { readonly name: string; readonly comment: string }

export type LockTablesOptions = {
  readonly server: Server
  readonly names: Names
}

/** Comments are literals (comment.ts). */
export type LockTables = {
  /** Locks whose names begin with the prefix, the highest epoch of a lock last. */
  list(prefix: string): Promise<LockTable[]>
  /** Whether this process, and no other, has created the lock, now or in an attempt whose answer was lost. */
  create(key: string, name: string, comment: string): Promise<boolean>
  writeComment(name: string, comment: string): Promise<unknown>
  drop(key: string, name: string): Promise<unknown>
}

export function lockTables({ server, names }: LockTablesOptions): LockTables {
  /** Comments with which this process has tried to create lock tables. */
  const claims = new Map<string, string>()
  const command = (query: string, name: string, doing?: string) =>
    server.client.command({ query, query_params: { locks: names.locks, name }, doing })

  function list(prefix: string): Promise<LockTable[]> {
    return server
      .during('reading the locks')
      .selectFrom('system.tables')
      .select(['name', 'comment'])
      .where('database', '=', names.locks)
      .where(sql<boolean>`startsWith(name, ${prefix})`)
      .orderBy('name')
      .execute()
  }

  return {
    list,

    async create(key, name, comment) {
      const words = claims.get(name) ?? comment
      claims.set(name, words)
      try {
        // No IF NOT EXISTS: the server lets exactly one of several runners create it.
        await command(
          `CREATE TABLE {locks:Identifier}.{name:Identifier} (nothing UInt8) ENGINE = Null COMMENT ${words}`,
          name,
          `taking the lock of ${key}`,
        )
        return true
      } catch (error) {
        if (errorCode(error) !== TABLE_ALREADY_EXISTS) throw error
        const [table] = await list(name)
        return `'${table?.comment}'` === words
      }
    },

    writeComment: (name, comment) =>
      command(`ALTER TABLE {locks:Identifier}.{name:Identifier} MODIFY COMMENT ${comment}`, name),

    drop: (key, name) =>
      command(
        'DROP TABLE IF EXISTS {locks:Identifier}.{name:Identifier}',
        name,
        `dropping an old lock of ${key}`,
      ),
  }
}
