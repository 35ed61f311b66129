// Owns detecting a dead holder of a lock: its comment does not change for a while, measured by our own monotonic clock.
import { BackfillError } from '../model/errors.ts'
import { EPOCH_DIGITS, lockPrefix } from './fence.ts'
import type { LockStore } from './store.ts'
import { monotonicMs, sleep } from '../seam/clock.ts'
import { readInfo, isDead, type LockInfo } from './comment.ts'

/** If a comment has not changed for this long, its holder is dead. */
const STALE_AFTER_MS = 20_000

const POLL_MS = 1_000

/** A lock and for how many seconds its holder has given no sign. */
export type SeenLock = LockInfo & { readonly silentSeconds: number }

/** Somebody works under the lock, as far as its heartbeat says: the next run takes over one that is silent for as long as `STALE_AFTER_MS`. */
export function isWorking(lock: SeenLock | null): boolean {
  return lock !== null && lock.silentSeconds * 1000 <= STALE_AFTER_MS
}

export function watchLocks(store: Pick<LockStore, 'list'>, network: string, exclusive: boolean) {
  /** When this process first saw each lock, and whether its comment has changed since: all locks of a dead run go stale together. */
  const firstSeen = new Map<
    string,
    { readonly comment: string; readonly at: number; readonly moved: boolean }
  >()

  async function look(prefix: string): Promise<readonly SeenLock[]> {
    const found = await store.list(prefix)
    const now = monotonicMs()
    for (const { name, comment } of found) {
      const seen = firstSeen.get(name)
      if (seen === undefined) firstSeen.set(name, { comment, at: now, moved: false })
      else if (seen.comment !== comment) firstSeen.set(name, { comment, at: now, moved: true })
    }
    return found.map((row) => ({ ...readInfo(row), silentSeconds: row.silent }))
  }

  const keyIn = (name: string): string => name.slice(network.length + 2, -EPOCH_DIGITS - 2)

  /** The locks of the network; whatever else somebody has put beside them is none. */
  async function lookAtAll(): Promise<readonly SeenLock[]> {
    const isLock = (name: string) =>
      name.slice(0, -EPOCH_DIGITS) === lockPrefix({ network, key: keyIn(name) })
    return (await look(`${network}__`)).filter(({ name }) => isLock(name))
  }

  const isFree = (info: LockInfo): boolean => info.released || exclusive || isDead(info)

  async function epochs(key: string): Promise<readonly LockInfo[]> {
    const prefix = lockPrefix({ network, key })
    return (await look(prefix)).filter(({ name }) => name.length === prefix.length + EPOCH_DIGITS)
  }

  return {
    holder: async (key: string): Promise<LockInfo | undefined> => (await epochs(key)).at(-1),

    epochs,

    isFree,

    /** All epochs of all locks by their table keys, the highest last. */
    async all(): Promise<ReadonlyMap<string, readonly LockInfo[]>> {
      return Map.groupBy(await lookAtAll(), ({ name }) => keyIn(name))
    },

    /** The highest epoch of every table key's lock; `released` also if its holder is known to be dead. */
    async holders(): Promise<ReadonlyMap<string, SeenLock>> {
      const infos = (await lookAtAll()).map((info) => ({ ...info, released: isFree(info) }))
      return new Map(infos.map((info) => [keyIn(info.name), info]))
    },

    /** Resolves with all epochs when the last holder is known to be dead. @throws BackfillError `locked` while it is alive */
    async untilFree(key: string, note: WaitNote, waitMs: number): Promise<readonly LockInfo[]> {
      const started = monotonicMs()
      for (let rounds = 0; ; rounds++) {
        // Not the time of the answer: a process that was halted, or a slow connection, would take it for silence of the holder.
        const askedAt = monotonicMs()
        const found = await epochs(key)
        const held = found.at(-1)
        if (held === undefined || isFree(held)) return found
        const { at, moved } = firstSeen.get(held.name)!
        if (moved && monotonicMs() - started >= waitMs) throw heldBy(key, held)
        if (askedAt - at >= STALE_AFTER_MS) return found
        if (rounds === 0) note(`waiting for ${describe(held)}: at most ${waitText(waitMs)}`, held)
        await sleep(POLL_MS)
      }
    },
  }
}

/** Told once that a lock is waited for, and for whose. */
export type WaitNote = (text: string, holder: LockInfo) => void

export function heldBy(key: string, holder: LockInfo | undefined): BackfillError {
  return new BackfillError(`${key} is locked by ${holder ? describe(holder) : 'another runner'}`, {
    kind: 'locked',
    hint: 'Wait for that run to end; backfill status shows it',
    heldBy: holder?.command,
  })
}

/** The longer of two times: to detect a dead holder, and to wait for a living one. */
function waitText(waitMs: number): string {
  return `${Math.ceil(Math.max(waitMs, STALE_AFTER_MS) / 1000)} s`
}

function describe({ host, pid, since, heartbeat, command }: LockInfo): string {
  return `process ${pid} on ${host} (${command === '' ? '' : `${command} `}since ${since}, last heartbeat ${heartbeat})`
}
