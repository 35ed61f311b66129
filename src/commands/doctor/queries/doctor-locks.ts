// Owns what doctor finds out about locks: who holds one, and whether the holder gives a sign of life.
import { setTimeout as sleep } from 'node:timers/promises'
import type { HeldLock } from '../checks/ledger.ts'
import { EPOCH_DIGITS } from '../../../lock/lock-name.ts'
import { isDead, readInfo } from '../../../lock/comment.ts'
import { lockStore } from '../../../lock/lock-store.ts'
import type { Names } from '../../../clickhouse/own-databases.ts'
import type { Server } from '../../../clickhouse/server.ts'

/** Holders say every 5 s that they live (lock.ts). */
const WATCH_MS = 6_500

export type LockQuestion = {
  readonly server: Server
  readonly names: Names
  readonly network: string
  /** Nobody else can reach the server (embedded): whoever holds a lock is gone. */
  readonly alone: boolean
  readonly keys: readonly string[]
}

/** Highest epochs as they stood at one moment: table key -> the lock's comment, taken apart and whole. */
type Look = ReadonlyMap<string, { readonly info: ReturnType<typeof readInfo>; readonly comment: string }>

/** @throws BackfillError `server`, `failed` */
export async function lookAtLocks({ server, names, network, keys }: LockQuestion): Promise<Look> {
  const found = await lockStore({ server, names }).list(`${network}__`)
  const keyOf = (name: string) => name.slice(network.length + 2, -EPOCH_DIGITS - 2)
  // The highest epoch comes last.
  const highest = new Map(found.map((table) => [keyOf(table.name), table]))
  return new Map(
    [...highest]
      .filter(([key]) => keys.includes(key))
      .map(([key, table]) => [key, { info: readInfo(table), comment: table.comment }]),
  )
}

/**
 * What has become of the locks that were held before, and of those that are held now.
 * @throws BackfillError `server`, `failed`
 */
export async function watchHeld(question: LockQuestion, before: Look): Promise<readonly HeldLock[]> {
  const started = performance.now()
  const now = await lookAtLocks(question)
  const isGone = (key: string) => question.alone || isDead((before.get(key) ?? now.get(key))!.info)
  const isHeld = (look: Look, key: string) => look.get(key)?.info.released === false
  const held = question.keys.filter((key) => isHeld(before, key) || isHeld(now, key))
  const watched = held.some((key) => isHeld(now, key) && !isGone(key))
  if (watched) await sleep(WATCH_MS - (performance.now() - started))
  const later = watched ? await lookAtLocks(question) : now
  return held.map((key): HeldLock => {
    const first = (isHeld(before, key) ? before : now).get(key)!
    const { host, pid, since } = first.info
    const silent = later.get(key)?.comment === first.comment
    const sign = !isHeld(later, key) ? 'ended' : isGone(key) ? 'gone' : silent ? 'silent' : 'alive'
    return { key, host, pid, since, sign }
  })
}
