// Owns the lock of one (network, table): an epoch is a table (in Keeper: a row) that one taker can create, the highest
// one owns.
import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import type { Lock, LockPort } from './lock-port.ts'
import type { LockInfo } from './comment.ts'
import { lockName, lockPrefix } from './lock-name.ts'
import { commentLiteral } from './comment.ts'
import { lockStore } from './lock-store.ts'
import { heldBy, watchLocks } from './watch.ts'
import type { Names } from '../clickhouse/own-databases.ts'
import { serverError } from '../clickhouse/server-error.ts'
import type { Server } from '../clickhouse/server.ts'

/** How often a holder says in its lock's comment that it lives. */
const HEARTBEAT_MS = 5_000

export type LockOptions = {
  /** A connection of its own: a heartbeat must not queue behind a chunk. */
  readonly server: Server
  readonly names: Names
  readonly network: string
  /** Nobody else can reach the server (embedded): what an earlier process left behind is dead. */
  readonly alone: boolean
}

export function openLocks({ server, names, network, alone }: LockOptions): LockPort {
  const tables = lockStore({ server, names })
  const watch = watchLocks({ tables, network, alone })

  /** The highest epoch under which anything was recorded. */
  async function ledgerEpoch(key: string): Promise<number> {
    const [row] = await server.db
      .withSchema(names.ledger)
      .selectFrom('ledger')
      .select(({ fn }) => fn.max<number>('epoch').as('epoch'))
      .where('network', '=', network)
      .where('table_key', '=', key)
      .execute()
      .catch((error: unknown) => {
        throw serverError(error, { connection: server.connection, doing: 'reading the ledger' })
      })
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
    const since = new Date().toISOString()
    const taker = randomUUID()
    let beats = 0
    const comment = (released: boolean) =>
      commentLiteral({
        host: hostname(),
        pid: process.pid,
        taker,
        since,
        heartbeat: new Date().toISOString(),
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
    const say = (released: boolean): Promise<unknown> =>
      (said = said
        .then(() => tables.say(name, comment(released)))
        // A beat that cannot be written harms nobody: the fence decides, not the comment.
        .catch(() => undefined))
    const heart = setInterval(() => void say(false), HEARTBEAT_MS)
    heart.unref()
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
        clearInterval(heart)
        await say(true)
      },
    }
  }

  return {
    acquire: async (key, note, waitMs = 0) => take(key, await watch.untilFree(key, note, waitMs)),

    async takeOver(key) {
      const holder = await watch.holder(key)
      if (holder !== undefined) await (await take(key, holder)).release()
      return holder
    },

    holders: () => watch.holders(),
  }
}
