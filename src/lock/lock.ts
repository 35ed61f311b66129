// Owns the lock of one (network, table): a lock epoch is a table (in Keeper: a row) that only one runner can create; the
// highest epoch owns the lock.
import { failedError } from '../model/errors.ts'
import { commentLiteral, type LockInfo } from './comment.ts'
import { lockName, lockPrefix } from './lock-name.ts'
import { heldBy, type WaitNote, watchLocks } from './watch.ts'
import type { Names } from '../clickhouse/own-databases.ts'
import { identity } from '../seam/process.ts'
import type { Server } from '../clickhouse/server.ts'
import { lockStore } from './store.ts'
import { wallClock, every } from '../seam/clock.ts'
import { randomId } from '../seam/random.ts'

/** Interval of the heartbeat in the lock's comment. */
const HEARTBEAT_MS = 5_000

export type LockOptions = {
  /** A separate connection: a heartbeat must not queue behind a chunk. */
  readonly server: Server
  readonly names: Names
  readonly network: string
  /** No other process can reach the server (embedded): locks of earlier processes are dead. */
  readonly exclusive: boolean
}

/** The locks of one network, as a runner takes, frees and sees them. */
export type Locks = ReturnType<typeof openLocks>

export function openLocks({ server, names, network, exclusive }: LockOptions) {
  const store = lockStore({ server, names })
  const watch = watchLocks({ store, network, exclusive })

  /** The highest lock epoch of any ledger event. */
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

  /** Epochs below our own are history. The highest is never dropped, because the next epoch counts from it. */
  async function dropLower(key: string, mine: string): Promise<void> {
    for (const { name } of await store.list(lockPrefix({ network, key })))
      if (name.length === mine.length && name < mine) await store.drop(key, name)
  }

  /** Creates the epoch after `before` and starts its heartbeat. @throws BackfillError `locked` if another runner was faster */
  async function take(key: string, before: LockInfo | undefined, command: string): Promise<Lock> {
    // The ledger too: if the locks' database was dropped, new events must still come after the old ones.
    let epoch = Math.max(before?.epoch ?? 0, await ledgerEpoch(key))
    let name = ''
    let seq = 0
    const since = now()
    const taker = randomId()
    let beats = 0
    const comment = (released: boolean) =>
      commentLiteral({ ...identity(), taker, since, heartbeat: now(), beats: beats++, released, command })
    const takeNext = async (): Promise<void> => {
      if (epoch >= Number.MAX_SAFE_INTEGER)
        throw failedError(
          `the lock of ${key} has the number ${epoch}, and none comes after it`,
          `Check who made it, then DROP TABLE ${names.locks}.\`${lockName({ network, key, epoch })}\``,
        )
      const next = lockName({ network, key, epoch: epoch + 1 })
      if (!(await store.create(key, next, comment(false)))) throw heldBy(key, await watch.holder(key))
      epoch++
      name = next
      seq = 0
      await dropLower(key, next)
    }
    await takeNext()
    let said: Promise<unknown> = Promise.resolve()
    // One after the other: a pending heartbeat must not overwrite `released`.
    const writeComment = (released: boolean): Promise<unknown> =>
      (said = said
        .then(() => store.writeComment(name, comment(released)))
        // A failed heartbeat does no harm: the fence decides, not the comment.
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
     * Creates the next epoch of the table's lock. First waits up to 20 s to find out whether the holder is alive; if it is,
     * waits up to `waitMs` for it. `command`: as what the lock's comment and messages name its holder.
     * @throws BackfillError `locked` if the holder still has the lock then
     */
    async acquire(key: string, note: WaitNote, waitMs = 0, command = ''): Promise<Lock> {
      return await take(key, await watch.untilFree(key, note, waitMs), command)
    },

    /** Resolves when no living process holds the lock. @throws BackfillError `locked`, as `acquire` */
    async untilFree(key: string, note: WaitNote): Promise<void> {
      await watch.untilFree(key, note, 0)
    },

    /**
     * Frees a lock, whoever holds it: from now on, the holder's statements are refused. Returns the holder; undefined if
     * there never was a lock.
     */
    async takeOver(key: string): Promise<LockInfo | undefined> {
      const holder = await watch.holder(key)
      if (holder !== undefined) await (await take(key, holder, 'unlock')).release()
      return holder
    },

    holders: () => watch.holders(),
  }
}

const now = (): string => wallClock().toISOString()

/** The lock of one (network, table): the fence of every write contains `name`. */
export type Lock = {
  readonly name: string
  readonly key: string
  readonly epoch: number
  /** Next number within the epoch, 1, 2, 3 …: epoch and number order all events. */
  nextSeq(): number
  /**
   * Takes the next epoch: `name` and `epoch` change. Statements sent before that have not begun are refused from now on.
   * @throws BackfillError `locked` if another runner has taken it
   */
  renew(): Promise<void>
  /** Marks the lock as free in its comment. Never throws. */
  release(): Promise<void>
}
