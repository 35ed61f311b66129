// Owns the lock of one (network, table): a lock epoch is a table (in Keeper: a row) that only one runner can create; the
// highest epoch owns the lock.
import { type BackfillError, failedError, retryOf } from '../model/errors.ts'
import { commentLiteral, type LockInfo } from './comment.ts'
import { heldBy, type WaitNote, watchLocks } from './watch.ts'
import { lockName } from './fence.ts'
import type { Names, Server } from '../clickhouse/server.ts'
import { identity } from '../seam/process.ts'
import { lockStore } from './store.ts'
import { every, monotonicMs, wallClock } from '../seam/clock.ts'
import { randomId } from '../seam/random.ts'
import { quotedName } from '../sql-syntax/quoting.ts'

const HEARTBEAT_MS = 5_000

/** After this time, what was seen of the locks is not used any more. */
const SEEN_MS = 5_000

/** A request has at most 1,000 parameters. */
const MOST_AT_ONCE = 500

/** `found`: the epochs that there are, the highest last; `inLedger`: the highest of any ledger event. */
type Epochs = { readonly found: readonly LockInfo[]; readonly inLedger: number }

/** The epochs of a lock; undefined if somebody holds it, or if they were read too long ago. */
export type LocksSeen = (key: string) => Epochs | undefined

export type LockOptions = {
  /** A separate connection: a heartbeat must not queue behind a chunk. */
  readonly server: Server
  readonly names: Names
  readonly network: string
  /** No other process can reach the server (embedded): locks of earlier processes are dead. */
  readonly exclusive: boolean
}

export type Locks = ReturnType<typeof openLocks>

export function openLocks({ server, names, network, exclusive }: LockOptions) {
  const store = lockStore({ server, names })
  const watch = watchLocks(store, network, exclusive)
  /** Epochs below a lock's own: history. The highest is never dropped, because the next epoch counts from it. */
  const history = new Set<string>()

  /** The highest lock epoch of any ledger event, by table key; keys without events are absent. */
  async function ledgerEpochs(keys: readonly string[]): Promise<ReadonlyMap<string, number>> {
    const rows = await server
      .during('reading the ledger')
      .withSchema(names.ledger)
      .selectFrom('ledger')
      .select(({ fn }) => ['table_key', fn.max<number>('epoch').as('epoch')])
      .where('network', '=', network)
      .where('table_key', 'in', [...keys])
      .groupBy('table_key')
      .execute()
    return new Map(rows.map(({ table_key, epoch }) => [table_key, epoch]))
  }

  /** Creates the epoch after those in `found` and in the ledger. @throws BackfillError `locked` if another runner was faster */
  async function take(key: string, { found, inLedger }: Epochs, command: string): Promise<Lock> {
    // The ledger too: if the locks' database was dropped, new events must still come after the old ones.
    let epoch = Math.max(found.at(-1)?.epoch ?? 0, inLedger)
    const inherited = epoch > 0 && found.at(-1)?.released !== true
    let lower = found.map((info) => info.name)
    let name = ''
    let seq = 0
    const since = now()
    const taker = randomId()
    let beats = 0
    const comment = (released: boolean) =>
      commentLiteral({ ...identity(), taker, since, heartbeat: now(), beats: beats++, released, command })
    let said: Promise<unknown> = Promise.resolve()
    // One after the other: a pending heartbeat must not overwrite `released`.
    const writeComment = (released: boolean): Promise<unknown> =>
      (said = said
        .then(() => store.writeComment(name, comment(released)))
        // A failed heartbeat does no harm: the fence decides, not the comment.
        .catch(() => undefined))
    const takeNext = async (): Promise<void> => {
      if (epoch >= Number.MAX_SAFE_INTEGER)
        throw failedError(
          `the lock of ${key} has the number ${epoch}, and none comes after it`,
          `Check who made it, then DROP TABLE ${quotedName(names.locks)}.${quotedName(lockName({ network, key, epoch }))}`,
        )
      const next = lockName({ network, key, epoch: epoch + 1 })
      const askedAt = monotonicMs()
      if (!(await store.create(key, next, comment(false)))) throw heldBy(key, await watch.holder(key))
      epoch++
      name = next
      seq = 0
      for (const old of lower) history.add(old)
      lower = [next]
      // Its answer came late: others have seen it without a sign for as long.
      if (monotonicMs() - askedAt > HEARTBEAT_MS) void writeComment(false)
    }
    await takeNext()
    // Whoever had several epochs meanwhile has dropped all but the last: the next one after ours is free then, and below theirs.
    const assertHighest = async (): Promise<void> => {
      const highest = await watch.holder(key)
      if (highest?.name !== name) throw heldBy(key, highest)
    }
    // One after the other: two chunks of a table may renew at once.
    let renewed = Promise.resolve()
    const endHeartbeat = every(HEARTBEAT_MS, () => void writeComment(false))
    return {
      key,
      inherited,
      get name() {
        return name
      },
      get epoch() {
        return epoch
      },
      renew: () =>
        (renewed = renewed
          .catch(() => undefined)
          .then(takeNext)
          .then(assertHighest)
          .then(sweep)),
      nextSeq: () => ++seq,
      release: async () => {
        endHeartbeat()
        await writeComment(true)
      },
    }
  }

  /** Drops what is history by now. What stays is in the way of nobody: the next one to take the lock drops it. @throws BackfillError naming the GRANT */
  async function sweep(): Promise<void> {
    const old = [...history].slice(0, MOST_AT_ONCE)
    for (const name of old) history.delete(name)
    await store.drop(old).catch((error: unknown) => {
      if (retryOf(error) === 'stop') throw error
    })
  }

  return {
    sweep,

    /**
     * Waits up to 20 s to find out whether the holder is alive, then up to `waitMs` for it. `command` names the holder for others; `seen` spares the
     * questions if it is new enough and says that the lock is free; whoever takes several so calls `sweep` in the end. @throws BackfillError `locked` if the holder still has it then
     */
    async acquire(key: string, note: WaitNote, waitMs = 0, command = '', seen?: LocksSeen): Promise<Lock> {
      const known = seen?.(key)
      if (known !== undefined)
        try {
          return await take(key, known, command)
        } catch (error) {
          // Another runner has taken it since, and may have released it.
          if ((error as BackfillError).kind !== 'locked') throw error
        }
      const since = monotonicMs()
      let found = await watch.untilFree(key, note, waitMs)
      const inLedger = (await ledgerEpochs([key])).get(key) ?? 0
      if (isLate({ found, inLedger }))
        found = await watch.untilFree(key, note, waitMs - (monotonicMs() - since))
      const lock = await take(key, { found, inLedger }, command)
      await sweep().catch((error: unknown) => lock.release().then(() => Promise.reject(error as Error)))
      return lock
    },

    /** What there is of the locks of these tables, read at once: for `acquire`. */
    async look(keys: readonly string[]): Promise<LocksSeen> {
      const at = monotonicMs()
      const [locks, epochs] = await Promise.all([watch.all(), ledgerEpochs(keys)])
      return (key) => {
        const found = locks.get(key) ?? []
        const holder = found.at(-1)
        const seen = { found, inLedger: epochs.get(key) ?? 0 }
        const isFree = holder === undefined || watch.isFree(holder)
        return monotonicMs() - at < SEEN_MS && isFree && !isLate(seen) ? seen : undefined
      }
    },

    /** Resolves when no living process holds the lock. @throws BackfillError `locked`, as `acquire` */
    async untilFree(key: string, note: WaitNote): Promise<void> {
      await watch.untilFree(key, note, 0)
    },

    /** Frees a lock: from now on, its holder's statements are refused. Returns the holder; undefined if there never was a lock. */
    async takeOver(key: string): Promise<LockInfo | undefined> {
      const found = await watch.epochs(key)
      if (found.length === 0) return undefined
      const inLedger = (await ledgerEpochs([key])).get(key) ?? 0
      await (await take(key, { found, inLedger }, 'unlock')).release()
      await sweep()
      return found.at(-1)
    },

    holders: () => watch.holders(),
  }
}

/** Somebody has taken the lock and written since the answer about locks, which has come late; or a person has dropped the locks. */
function isLate({ found, inLedger }: Epochs): boolean {
  return (found.at(-1)?.epoch ?? 0) < inLedger
}

const now = (): string => wallClock().toISOString()

/** The lock of one (network, table): the fence of every write contains `name`. */
export type Lock = {
  readonly name: string
  readonly key: string
  readonly epoch: number
  /** The holder before has not given it back: what that one sent may have arrived since. */
  readonly inherited: boolean
  /** Next number within the epoch, 1, 2, 3 …: epoch and number order all events. */
  nextSeq(): number
  /** Takes the next epoch: statements that have not begun are refused from now on. @throws BackfillError `locked` if another runner has taken it */
  renew(): Promise<void>
  /** Marks the lock as free in its comment. Never throws. */
  release(): Promise<void>
}
