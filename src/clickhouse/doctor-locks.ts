// Owns what doctor finds out about locks: who holds one, and whether the holder gives a sign of life.
import { setTimeout as sleep } from 'node:timers/promises'
import type { HeldLock } from '../runner/pure/doctor-ledger.ts'
import { EPOCH_DIGITS } from './fence.ts'
import { isDead, readInfo } from './lock-comment.ts'
import { lockTables } from './lock-tables.ts'
import type { Names } from './names.ts'
import type { Server } from './server.ts'

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

/** @throws BackfillError `server`, `failed` */
export async function readLocks({
  server,
  names,
  network,
  alone,
  keys,
}: LockQuestion): Promise<readonly HeldLock[]> {
  const tables = lockTables({ server, names, network })
  const highest = async () => {
    const found = await tables.list(`${network}__`)
    return new Map(found.map((table) => [table.name.slice(network.length + 2, -EPOCH_DIGITS - 2), table]))
  }
  const held = [...(await highest())].flatMap(([key, table]) => {
    const info = readInfo(table)
    const { host, pid, since, released } = info
    const gone = alone || isDead(info)
    return released || !keys.includes(key) ? [] : [{ key, host, pid, since, gone, table }]
  })
  if (held.some(({ gone }) => !gone)) await sleep(WATCH_MS)
  const later = held.some(({ gone }) => !gone) ? await highest() : new Map<string, { comment: string }>()
  return held.flatMap(({ key, host, pid, since, gone, table }): HeldLock[] => {
    if (gone) return [{ key, host, pid, since, sign: 'gone' }]
    const now = later.get(key)
    if (now === undefined || readInfo({ ...table, ...now }).released) return []
    return [{ key, host, pid, since, sign: now.comment === table.comment ? 'silent' : 'alive' }]
  })
}
