// Owns the statements for locks in Keeper: a lock epoch is a row that only one runner can insert. For all nodes of a
// cluster; table-store.ts is the same for a single server.
import { sql } from 'kysely'
import { BackfillError } from '../model/errors.ts'
import { EPOCH_DIGITS } from './lock-name.ts'
import type { LockTable, LockTables, LockTablesOptions } from './table-store.ts'
import { monotonicMs, sleep } from '../seam/clock.ts'

/** How long a node may take to see a row that another node has written. */
const SEEN_WITHIN_MS = 60_000

const POLL_MS = 100

export function keeperLocks({ server, names }: LockTablesOptions): LockTables {
  /** Comments with which this process has tried to insert locks. */
  const claims = new Map<string, string>()
  const rows = sql.id(names.locks, 'locks')
  const write = (name: string, comment: string, strict: 0 | 1, doing?: string) =>
    server.client.command({
      query: `INSERT INTO {locks:Identifier}.locks SELECT {name:String} AS name, ${comment} AS comment`,
      query_params: { locks: names.locks, name },
      // Strict: never overwrites an existing row, so exactly one of several runners wins.
      clickhouse_settings: { keeper_map_strict_mode: strict },
      doing,
    })

  function list(prefix: string): Promise<LockTable[]> {
    return server
      .during('reading the locks')
      .selectFrom(sql<LockTable>`${rows}`.as('locks'))
      .select(['name', 'comment'])
      .where(sql<boolean>`startsWith(name, ${prefix})`)
      .orderBy('name')
      .execute()
  }

  /** Nodes that see this lock epoch, or a later one. */
  async function nodesThatSee(key: string, name: string): Promise<number> {
    const highest = sql<{ highest: string }>`(
      SELECT max(name) AS highest FROM clusterAllReplicas(${server.cluster!.name}, ${rows})
      WHERE startsWith(name, ${name.slice(0, -EPOCH_DIGITS)}) AND length(name) = ${name.length}
      GROUP BY _shard_num
    )`
    const row = await server
      .during(`showing the lock of ${key} to all nodes`)
      .selectFrom(highest.as('nodes'))
      .select(({ fn }) => fn.countAll<number>().as('count'))
      .where('highest', '>=', name)
      .executeTakeFirstOrThrow()
    return row.count
  }

  /**
   * A node may read old data from Keeper, and so accept the fence of an old lock epoch. A node that has seen a row keeps
   * seeing it: from here on no statement under an earlier epoch can begin on any node.
   */
  async function untilAllSee(key: string, name: string): Promise<void> {
    const deadline = monotonicMs() + SEEN_WITHIN_MS
    const all = server.cluster!.nodes.length
    for (;;) {
      const seeing = await nodesThatSee(key, name)
      if (seeing >= all) return
      if (monotonicMs() > deadline)
        throw new BackfillError(`${seeing} of ${all} nodes see the new lock of ${key} after a minute`, {
          kind: 'failed',
          hint: 'Do all nodes reach Keeper? SELECT * FROM system.zookeeper_connection on each',
        })
      await sleep(POLL_MS)
    }
  }

  return {
    list,

    async create(key, name, comment) {
      const words = claims.get(name) ?? comment
      claims.set(name, words)
      try {
        await write(name, words, 1, `taking the lock of ${key}`)
      } catch (error) {
        // Another runner was faster, or the answer was lost: the row shows which.
        const [row] = await list(name)
        if (row === undefined) throw error
        if (`'${row.comment}'` !== words) return false
      }
      await untilAllSee(key, name)
      return true
    },

    writeComment: (name, comment) => write(name, comment, 0),

    drop: (key, name) =>
      server.client.command({
        query: 'DELETE FROM {locks:Identifier}.locks WHERE name = {name:String}',
        query_params: { locks: names.locks, name },
        doing: `dropping an old lock of ${key}`,
      }),
  }
}
