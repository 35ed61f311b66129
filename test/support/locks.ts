// Owns locks in tests: the ports of one runner over a ledger, locks that other processes left, the locks there are.
import { randomUUID } from 'node:crypto'
import { lockName } from '../../src/lock/fence.ts'
import { openLedger } from '../../src/ledger/writer.ts'
import { type Lock, openLocks } from '../../src/lock/lock.ts'
import { commentLiteral, type LockComment } from '../../src/lock/comment.ts'
import type { Names, Server } from '../../src/clickhouse/server.ts'
import { createLedger, ledgerEvent } from './clickhouse.ts'

export const NETWORK = 'mainnet'
export const KEY = 'address_diffs'

/** What rejects a taker or a writer that does not have the lock. */
export const locked = { kind: 'locked' }
export const silent = () => {}

/** One runner's ledger and locks; without `names` over a ledger of its own. */
export async function openRunner(
  server: Server,
  names?: Names,
  { network = NETWORK, exclusive = false } = {},
) {
  const own = names ?? (await createLedger(server))
  return {
    names: own,
    locks: openLocks({ server, names: own, network, exclusive }),
    ledger: openLedger({ server, names: own, network, toolVersion: 'test' }),
  }
}

/** Names of all lock tables, ascending. */
export async function lockTables(server: Server, { locks }: Names): Promise<string[]> {
  const rows = await server.db
    .selectFrom('system.tables')
    .select('name')
    .where('database', '=', locks)
    .orderBy('name')
    .execute()
  return rows.map(({ name }) => name)
}

/** A lock as another process would have left it. */
export async function createLock(
  server: Server,
  names: Names,
  epoch: number,
  comment: Partial<LockComment>,
): Promise<string> {
  const name = lockName({ network: NETWORK, key: KEY, epoch })
  const full = {
    host: 'elsewhere',
    pid: 4711,
    pidNamespace: 'another',
    since: 'then',
    heartbeat: 'then',
    beats: 0,
    released: false,
    ...comment,
  }
  await server.client.command({
    query: `CREATE TABLE {locks:Identifier}.{name:Identifier} (nothing UInt8) ENGINE = Null COMMENT ${commentLiteral(full)}`,
    query_params: { locks: names.locks, name },
  })
  return name
}

/** Writes an event under the fence of a lock, on a node. */
export async function appendUnder(node: Server, names: Names, { name }: Pick<Lock, 'name'>): Promise<void> {
  const { ledger } = await openRunner(node, names)
  const lock = {
    name,
    key: KEY,
    epoch: 1,
    inherited: false,
    nextSeq: () => 1,
    renew: async () => {},
    release: async () => {},
  }
  await ledger.append(lock, ledgerEvent({ range: { from: 1, to: 1 }, targetUuid: randomUUID() }))
}
