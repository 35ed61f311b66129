// Owns the lock of one (network, table): an epoch is a table that one taker can create, the highest one owns.
import { hostname } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'kysely'
import { BackfillError } from '../runner/errors.ts'
import type { Lock, LockInfo, LockPort } from '../runner/ports.ts'
import { EPOCH_DIGITS, lockName, lockPrefix } from './fence.ts'
import { commentLiteral, isDead, readInfo } from './lock-comment.ts'
import type { Names } from './names.ts'
import { errorCode, serverError } from './server-error.ts'
import type { Server } from './server.ts'

/** How often a holder says in its lock's comment that it lives. */
const HEARTBEAT_MS = 5_000

/** A comment that has not changed for so long, by the watcher's own monotonic clock, belongs to a dead holder. */
const STALE_AFTER_MS = 20_000

const TABLE_ALREADY_EXISTS = 57

export type LockOptions = {
  /** A connection of its own: a heartbeat must not queue behind a chunk. */
  readonly server: Server
  readonly names: Names
  readonly network: string
  /** Nobody else can reach the server (embedded): what an earlier process left behind is dead. */
  readonly alone: boolean
}

export function openLocks({ server, names, network, alone }: LockOptions): LockPort {
  /** When this process first saw each lock, and whether its comment has changed since: dead runners' locks go stale together. */
  const firstSeen = new Map<
    string,
    { readonly comment: string; readonly at: number; readonly moved: boolean }
  >()
  /** Comments with which this process has tried to create lock tables. */
  const claims = new Map<string, string>()
  const failing = (doing: string) => (error: unknown) => {
    throw serverError(error, { connection: server.connection, doing })
  }

  /** Lock tables of the network, highest epoch last. */
  async function lockTables(prefix: string): Promise<{ name: string; comment: string }[]> {
    const rows = await server.db
      .selectFrom('system.tables')
      .select(['name', 'comment'])
      .where('database', '=', names.locks)
      .where(sql<boolean>`startsWith(name, ${prefix})`)
      .orderBy('name')
      .execute()
      .catch(failing('reading the locks'))
    const now = performance.now()
    for (const { name, comment } of rows) {
      const seen = firstSeen.get(name)
      if (seen === undefined) firstSeen.set(name, { comment, at: now, moved: false })
      else if (seen.comment !== comment) firstSeen.set(name, { comment, at: now, moved: true })
    }
    return rows
  }

  async function highest(key: string): Promise<LockInfo | undefined> {
    const prefix = lockPrefix({ network, key })
    const tables = await lockTables(prefix)
    const top = tables.findLast(({ name }) => name.length === prefix.length + EPOCH_DIGITS)
    return top && readInfo(top)
  }

  async function ledgerEpoch(key: string): Promise<number> {
    const [row] = await server.db
      .withSchema(names.ledger)
      .selectFrom('ledger')
      .select(({ fn }) => fn.max<number>('epoch').as('epoch'))
      .where('network', '=', network)
      .where('table_key', '=', key)
      .execute()
      .catch(failing('reading the ledger'))
    return row?.epoch ?? 0
  }

  /** Resolves with the last holder when it is known to be gone. @throws BackfillError `locked` while it lives. */
  async function waitUntilFree(
    key: string,
    note: (text: string) => void,
    waitMs: number,
  ): Promise<LockInfo | undefined> {
    const started = performance.now()
    for (let rounds = 0; ; rounds++) {
      const holder = await highest(key)
      if (holder === undefined || holder.released || alone || isDead(holder)) return holder
      const { at, moved } = firstSeen.get(holder.name)!
      if (moved && performance.now() - started >= waitMs) throw heldBy(key, holder)
      if (performance.now() - at >= STALE_AFTER_MS) return holder
      if (rounds === 0) note(`waiting for ${describe(holder)}: at most ${waitText(waitMs)}`)
      await sleep(1_000)
    }
  }

  /** Creates the epoch after `before` and starts its heartbeat. @throws BackfillError `locked` where another was faster */
  async function take(key: string, before: LockInfo | undefined): Promise<Lock> {
    // The ledger too: were the locks' database dropped, new events must still come after the old ones.
    let epoch = Math.max(before?.epoch ?? 0, await ledgerEpoch(key))
    let name = ''
    let seq = 0
    const since = new Date().toISOString()
    let beats = 0
    const comment = (released: boolean) =>
      commentLiteral({
        host: hostname(),
        pid: process.pid,
        since,
        heartbeat: new Date().toISOString(),
        beats: beats++,
        released,
      })
    const takeNext = async (): Promise<void> => {
      const next = lockName({ network, key, epoch: epoch + 1 })
      await claim(key, next, comment(false))
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
        .then(() =>
          server.client.command({
            query: `ALTER TABLE {locks:Identifier}.{name:Identifier} MODIFY COMMENT ${comment(released)}`,
            query_params: { locks: names.locks, name },
          }),
        )
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
    acquire: async (key, note, waitMs = 0) => take(key, await waitUntilFree(key, note, waitMs)),

    async takeOver(key) {
      const holder = await highest(key)
      if (holder !== undefined) await (await take(key, holder)).release()
      return holder
    },

    async holders() {
      const tables = await lockTables(`${network}__`)
      const infos = tables
        .map(readInfo)
        .map((info) => ({ ...info, released: info.released || alone || isDead(info) }))
      return new Map(infos.map((info) => [info.name.slice(network.length + 2, -EPOCH_DIGITS - 2), info]))
    },
  }

  /** Creates an epoch's table. @throws BackfillError `locked` where somebody else has created it */
  async function claim(key: string, name: string, comment: string): Promise<void> {
    const words = claims.get(name) ?? comment
    claims.set(name, words)
    try {
      // No IF NOT EXISTS: of many takers the server lets one win.
      await server.client.command({
        query: `CREATE TABLE {locks:Identifier}.{name:Identifier} (nothing UInt8) ENGINE = Null COMMENT ${words}`,
        query_params: { locks: names.locks, name },
      })
    } catch (error) {
      if (errorCode(error) !== TABLE_ALREADY_EXISTS) return failing(`taking the lock of ${key}`)(error)
      const [holder] = await lockTables(name)
      // Ours, where the answer to an earlier try was lost.
      if (`'${holder?.comment}'` !== words) throw heldBy(key, holder && readInfo(holder))
    }
  }

  /** Epochs below one's own are history. The highest is never dropped: the next epoch counts from it. */
  async function dropLower(key: string, mine: string): Promise<void> {
    const prefix = lockPrefix({ network, key })
    for (const { name } of await lockTables(prefix)) {
      if (name.length !== mine.length || name >= mine) continue
      await server.client
        .command({
          query: 'DROP TABLE IF EXISTS {locks:Identifier}.{name:Identifier}',
          query_params: { locks: names.locks, name },
        })
        .catch(failing(`dropping an old lock of ${key}`))
      firstSeen.delete(name)
    }
  }
}

function heldBy(key: string, holder: LockInfo | undefined): BackfillError {
  return new BackfillError(`${key} is locked by ${holder ? describe(holder) : 'another runner'}`, {
    kind: 'locked',
    hint: 'Wait for that run to end; backfill status shows it',
  })
}

/** The longer of the time it takes to tell a dead holder from a living one, and the time a living one is waited for. */
function waitText(waitMs: number): string {
  return `${Math.ceil(Math.max(waitMs, STALE_AFTER_MS) / 1000)} s`
}

function describe({ host, pid, since, heartbeat }: LockInfo): string {
  return `process ${pid} on ${host} (since ${since}, last sign of life ${heartbeat})`
}
