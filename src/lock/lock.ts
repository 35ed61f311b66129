// Owns the lock of one (network, table): an epoch is a table (in Keeper: a row) that one taker can create, the highest
// one owns.
import { commentLiteral, type LockInfo } from './comment.ts'
import { lockName, lockPrefix } from './lock-name.ts'
import { heldBy, watchLocks } from './watch.ts'
import type { Names } from '../clickhouse/own-databases.ts'
import { identity } from '../seam/process.ts'
import type { Server } from '../clickhouse/server.ts'
import { keeperLocks } from './keeper-store.ts'
import { type LockTables, lockTables, type LockTablesOptions } from './table-store.ts'
import { wallClock, every } from '../seam/clock.ts'
import { randomId } from '../seam/random.ts'

/** How often a holder says in its lock's comment that it lives. */
const HEARTBEAT_MS = 5_000

export type LockOptions = {
  /** A connection of its own: a heartbeat must not queue behind a chunk. */
  readonly server: Server
  readonly names: Names
  readonly network: string
  /** Nobody else can reach the server (embedded): what an earlier process left behind is dead. */
  readonly exclusive: boolean
}

/** The locks of one network, as a runner takes, frees and sees them. */
export type Locks = ReturnType<typeof openLocks>

export function openLocks({ server, names, network, exclusive }: LockOptions) {
  const tables = lockStore({ server, names })
  const watch = watchLocks({ tables, network, exclusive })

  /** The highest epoch under which anything was recorded. */
  async function ledgerEpoch(key: string): Promise<number> {
    const [row] = await server
      .during('reading the ledger')
      .withSchema(names.ledger)
      .selectFrom('ledger')
      .select(({ fn }) => fn.max<number>('epoch').as('epoch'))
      .where('network', '=', network)
      .where('table_key', '=', key)
      .execute()
    return row?.epoch ?? 0
  }

  /** Epochs below one's own are history. The highest is never dropped: the next epoch counts from it. */
  async function dropLower(key: string, mine: string): Promise<void> {
    for (const { name } of await tables.list(lockPrefix({ network, key })))
      if (name.length === mine.length && name < mine) await tables.drop(key, name)
  }

  /** Creates the epoch after `before` and starts its heartbeat. @throws BackfillError `locked` where another was faster */
  async function take(key: string, before: LockInfo | undefined): Promise<Lock> {
    // The ledger too: were the locks' database dropped, new events must still come after the old ones.
    let epoch = Math.max(before?.epoch ?? 0, await ledgerEpoch(key))
    let name = ''
    let seq = 0
    const since = wallClock().toISOString()
    const taker = randomId()
    let beats = 0
    const comment = (released: boolean) =>
      commentLiteral({
        ...identity(),
        taker,
        since,
        heartbeat: wallClock().toISOString(),
        beats: beats++,
        released,
      })
    const takeNext = async (): Promise<void> => {
      const next = lockName({ network, key, epoch: epoch + 1 })
      if (!(await tables.create(key, next, comment(false)))) throw heldBy(key, await watch.holder(key))
      epoch++
      name = next
      seq = 0
      await dropLower(key, next)
    }
    await takeNext()
    let said: Promise<unknown> = Promise.resolve()
    // One after the other: a beat that is still on its way must not overtake `released`.
    const writeComment = (released: boolean): Promise<unknown> =>
      (said = said
        .then(() => tables.writeComment(name, comment(released)))
        // A beat that cannot be written harms nobody: the fence decides, not the comment.
        .catch(() => undefined))
    const endHeartbeat = every(HEARTBEAT_MS, () => void writeComment(false))
    return {
      key,
      get name() {
        return name
      },
      get epoch() {
        return epoch
      },
      renew: takeNext,
      nextSeq: () => ++seq,
      release: async () => {
        endHeartbeat()
        await writeComment(true)
      },
    }
  }

  return {
    /**
     * Creates the next epoch of the table's lock; waits first, for up to 20 s, to see whether its holder still lives,
     * and for `waitMs` for one that does.
     * @throws BackfillError `locked` where it still holds the lock then
     */
    async acquire(key: string, note: (text: string) => void, waitMs = 0): Promise<Lock> {
      return await take(key, await watch.untilFree(key, note, waitMs))
    },

    /**
     * Frees a lock whoever holds it: what the holder sends from now on is refused. Returns the holder, undefined where
     * there never was a lock.
     */
    async takeOver(key: string): Promise<LockInfo | undefined> {
      const holder = await watch.holder(key)
      if (holder !== undefined) await (await take(key, holder)).release()
      return holder
    },

    holders: () => watch.holders(),
  }
}

export function lockStore(options: LockTablesOptions): LockTables {
  return options.names.inKeeper ? keeperLocks(options) : lockTables(options)
}

/** The lock of one (network, table): the fence that every write carries is made of `name`. */
export type Lock = {
  readonly name: string
  readonly key: string
  readonly epoch: number
  /** Next number within the epoch, 1, 2, 3 …: with the epoch it orders all that is written. */
  nextSeq(): number
  /**
   * Takes the next epoch: `name` and `epoch` change. What was sent before and has not begun is refused from now on.
   * @throws BackfillError `locked` where somebody else has taken it
   */
  renew(): Promise<void>
  /** Says in the lock's comment that it is free. Never throws. */
  release(): Promise<void>
}
