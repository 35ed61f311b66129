// Owns the statements for locks: a lock epoch is a table that only one runner can create, or, for all nodes of a cluster,
// a row in Keeper that only one runner can insert.
import { sql } from 'kysely'
import { failedError } from '../model/errors.ts'
import type { Names, Server } from '../clickhouse/server.ts'
import { assertAllNodes } from '../clickhouse/cluster/cluster.ts'
import { codes } from '../clickhouse/error-codes.ts'
import { errorCode } from '../clickhouse/server-error.ts'
import { monotonicMs, sleep } from '../seam/clock.ts'
import { EPOCH_DIGITS, locksWhere, MAX_EPOCH } from './fence.ts'

const TABLE_ALREADY_EXISTS = 57

/** How long a node may take to see a row that another node has written. */
const SEEN_WITHIN_MS = 60_000

const POLL_MS = 100

export type LockStore = ReturnType<typeof lockStore>

/** Comments are literals (comment.ts). */
export function lockStore({ server, names }: { readonly server: Server; readonly names: Names }) {
  const { inKeeper = false } = names
  /** Comments with which this process has tried to create locks. */
  const claims = new Map<string, string>()
  const command = (query: string, name: string, doing?: string, strict?: 0 | 1) =>
    server.client.command({
      query,
      query_params: { locks: names.locks, name },
      ...(strict !== undefined && { clickhouse_settings: { keeper_map_strict_mode: strict } }),
      doing,
    })
  const insert = (name: string, comment: string, strict: 0 | 1, doing?: string) =>
    command(
      `INSERT INTO {locks:Identifier}.locks SELECT {name:String} AS name, ${comment} AS comment`,
      name,
      doing,
      strict,
    )

  /** Locks whose names begin with the prefix, the highest epoch of a lock last. */
  function list(prefix: string) {
    // By the server's clock; of a row in Keeper nothing says when it was written but its holder.
    const beat = sql.raw(
      inKeeper
        ? "parseDateTimeBestEffortOrNull(JSONExtractString(comment, 'heartbeat'))"
        : 'metadata_modification_time',
    )
    const found = sql<LockRow>`(
      SELECT name, comment, toInt64(ifNull(dateDiff('second', ${beat}, now()), 0)) AS silent
      FROM ${locksWhere(names)} startsWith(name, ${prefix})
    )`
    return server
      .during('reading the locks')
      .selectFrom(found.as('found'))
      .select(['name', 'comment', 'silent'])
      .orderBy('name')
      .execute()
      .catch((error: unknown) => {
        // Of a cluster on which nothing has run yet. Who takes a lock there, fails.
        if (inKeeper && ABSENT.has(errorCode(error))) return []
        throw error
      })
  }

  return {
    list,

    /** Whether this process, and no other, has created the lock, now or in an attempt whose answer was lost. */
    async create(key: string, name: string, comment: string): Promise<boolean> {
      assertAllNodes(server)
      const words = claims.get(name) ?? comment
      claims.set(name, words)
      const doing = `taking the lock of ${key}`
      const table = `CREATE TABLE {locks:Identifier}.{name:Identifier} (nothing UInt8) ENGINE = Null COMMENT ${words}`
      try {
        // No IF NOT EXISTS, and strict mode never overwrites a row: exactly one of several runners wins.
        await (inKeeper ? insert(name, words, 1, doing) : command(table, name, doing))
      } catch (error) {
        if (!inKeeper && errorCode(error) !== TABLE_ALREADY_EXISTS) throw error
        // Another runner was faster, or the answer was lost: the comment shows which.
        const [found] = await list(name)
        if (inKeeper && found === undefined) throw error
        if (`'${found?.comment}'` !== words) return false
      }
      if (inKeeper) await untilAllSee(server, names, { key, name, comment: words })
      return true
    },

    writeComment: (name: string, comment: string): Promise<unknown> =>
      inKeeper
        ? insert(name, comment, 0)
        : command(`ALTER TABLE {locks:Identifier}.{name:Identifier} MODIFY COMMENT ${comment}`, name),

    /** All in one statement. */
    async drop(old: readonly string[]): Promise<void> {
      if (old.length === 0) return
      const tables = old.map((_, index) => `{locks:Identifier}.{name${index}:Identifier}`)
      await server.client.command({
        query: inKeeper
          ? 'DELETE FROM {locks:Identifier}.locks WHERE has({old:Array(String)}, name)'
          : `DROP TABLE IF EXISTS ${tables.join(', ')}`,
        query_params: {
          locks: names.locks,
          ...(inKeeper ? { old } : Object.fromEntries(old.map((name, index) => [`name${index}`, name]))),
        },
        doing: 'dropping old locks',
      })
    },
  }
}

/** `silent`: seconds since the comment was written. */
export type LockRow = { readonly name: string; readonly comment: string; readonly silent: number }

const ABSENT = codes('60 UNKNOWN_TABLE, 81 UNKNOWN_DATABASE')

/** `comment`: a literal. */
type Epoch = { readonly key: string; readonly name: string; readonly comment: string }

/** A node may read old data from Keeper, but what it has seen stays seen: from here on no statement under an earlier epoch can begin on any node. */
async function untilAllSee(server: Server, names: Names, epoch: Epoch): Promise<void> {
  const deadline = monotonicMs() + SEEN_WITHIN_MS
  const all = server.cluster!.nodes.length
  for (;;) {
    const seeing = await nodesThatSee(server, names, epoch)
    if (seeing >= all) return
    if (monotonicMs() > deadline)
      throw failedError(
        `${seeing} of ${all} nodes see the new lock of ${epoch.key} after a minute`,
        `Do all nodes reach the same Keeper (SELECT * FROM system.zookeeper_connection on each), and have they the same <keeper_map_path_prefix>?`,
      )
    await sleep(POLL_MS)
  }
}

/** Nodes that see this lock epoch, or a later one. A node that keeps its locks elsewhere may have one of the same name. */
async function nodesThatSee(
  server: Server,
  { locks }: Names,
  { key, name, comment }: Epoch,
): Promise<number> {
  const highest = sql<{ highest: string; own: 0 | 1 }>`(
    SELECT max(name) AS highest, argMax(comment, name) = ${sql.raw(comment)} AS own FROM clusterAllReplicas(${server.cluster!.name}, ${sql.id(locks, 'locks')})
    WHERE startsWith(name, ${name.slice(0, -EPOCH_DIGITS)}) AND length(name) = ${name.length}
      AND right(name, ${sql.lit(EPOCH_DIGITS)}) <= ${MAX_EPOCH}
    GROUP BY _shard_num
  )`
  const row = await server
    .during(`showing the lock of ${key} to all nodes`)
    .selectFrom(highest.as('nodes'))
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .where((eb) => eb.or([eb('highest', '>', name), eb.and([eb('highest', '=', name), eb('own', '=', 1)])]))
    .executeTakeFirstOrThrow()
  return row.count
}
