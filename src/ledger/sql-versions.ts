// Owns the SQL versions in the ledger's database, and the times when each version built blocks.
import { insertRows } from './insert-rows.ts'
import { sql } from 'kysely'
import { compiledFence } from '../lock/fence.ts'
import type { WritingPlace } from './events.ts'
import { tableEvents } from './fold.ts'
import { unlessMissing } from '../clickhouse/server-error.ts'
import { identity } from '../seam/process.ts'
import type { Lock } from '../lock/lock.ts'
import type { BlockSet } from '../model/blocks.ts'
import type { TableDefinition } from '../model/model.ts'

export type VersionsPort = ReturnType<typeof openVersions>

/** The SQL versions of one network's tables; the files are the same for all networks. */
export function openVersions({ server, names, network, toolVersion }: WritingPlace) {
  const ledger = (doing: string) => server.during(doing).withSchema(names.ledger)
  const sqlVersionsOf = (key: string) =>
    ledger('reading the SQL texts of the ledger').selectFrom('sql_versions').where('table_key', '=', key)

  return {
    /** Keys of the tables whose transform's file is not stored; none in a ledger that an older version of backfill created. */
    async unkept(tables: readonly TableDefinition[]): Promise<ReadonlySet<string>> {
      if (tables.length === 0) return new Set()
      const hashes = tables.map(({ key, sqlHash, rawHash }) => sql`(${key}, ${sqlHash}, ${rawHash})`)
      const kept = await ledger('reading the SQL texts of the ledger')
        .selectFrom('sql_versions')
        .where(sql<boolean>`(table_key, sql_hash, raw_hash) IN (${sql.join(hashes)})`)
        .select('table_key')
        .distinct()
        .execute()
        .catch(unlessMissing(tables.map(({ key }) => ({ table_key: key }))))
      const keys = kept.map((row) => row.table_key)
      return new Set(tables.flatMap(({ key }) => (keys.includes(key) ? [] : [key])))
    },

    /** Stores the file of a table's transform, under the lock's fence. */
    async keep(lock: Lock, { key, sqlHash, rawHash, rawText, transform }: TableDefinition): Promise<void> {
      const row = {
        table_key: key,
        sql_hash: sqlHash,
        raw_hash: rawHash,
        file: transform.file,
        text: rawText,
        host: identity().host,
        tool_version: toolVersion,
      }
      await insertRows(
        { server, names },
        {
          table: 'sql_versions',
          types: {},
          computed: { user: 'currentUser()', kept_at: 'now64(6)' },
          rows: [row],
          where: compiledFence(server.db, { lockName: lock.name, names }),
          doing: `keeping the SQL of ${key} in the ledger`,
        },
      )
    },

    /** All SQL versions of a table, oldest first; an old ledger has none. */
    async texts(key: string): Promise<readonly SqlVersion[]> {
      return await sqlVersionsOf(key)
        .select(['sql_hash as sqlHash', 'raw_hash as rawHash', 'file', 'text'])
        .select([sql<string>`formatDateTime(kept_at, '%Y-%m-%dT%H:%i:%SZ')`.as('keptAt')])
        .orderBy('kept_at')
        .modifyEnd(sql`LIMIT 1 BY sql_hash, raw_hash`)
        .execute()
        .catch(unlessMissing([]))
    },

    /** When blocks were built with the SQL of the hashes; undefined if no event with an INSERT did. */
    async built({ key, targetUuid, sqlHashes, blocks }: BuiltQuestion): Promise<BuiltAt | undefined> {
      const [first, last] = [blocks[0], blocks.at(-1)]
      if (first === undefined || last === undefined) return undefined
      const db = ledger('reading when ranges were built')
      const { events, ...built } = await tableEvents(db, network, key, targetUuid)
        .select([
          sql<number>`count()`.as('events'),
          sql<string>`formatDateTime(min(event_time), '%Y-%m-%dT%H:%i:%SZ')`.as('from'),
          sql<string>`formatDateTime(max(event_time), '%Y-%m-%dT%H:%i:%SZ')`.as('to'),
        ])
        .where('event', '=', 'done')
        .where('query_id', '!=', '')
        .where('sql_hash', 'in', [...sqlHashes])
        .where('range_from', '<=', last.to)
        .where('range_to', '>=', first.from)
        .executeTakeFirstOrThrow()
      return events === 0 ? undefined : built
    },
  }
}

/** One file as it was when a table was first locked for work with it. */
export type SqlVersion = {
  /** sha256 (hex) as in `TableDefinition`. */
  readonly sqlHash: string
  readonly rawHash: string
  /** Path as shown at that time. */
  readonly file: string
  /** The whole file, header and comments included. */
  readonly text: string
  /** Server time, ISO 8601 UTC. */
  readonly keptAt: string
}

type BuiltQuestion = {
  readonly key: string
  readonly targetUuid: string
  /** In every form that events may contain. */
  readonly sqlHashes: readonly string[]
  readonly blocks: BlockSet
}

/** First and last `done` of some blocks by the server's clock, ISO 8601 UTC. */
export type BuiltAt = { readonly from: string; readonly to: string }
