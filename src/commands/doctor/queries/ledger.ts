// Owns what doctor finds out about the ledger: its fold as all read it, and from the first event on.
import { setTimeout as sleep } from 'node:timers/promises'
import type { IslandState } from '../../../clickhouse/schema.ts'
import type { Network, TableDefinition } from '../../../model/model.ts'
import { hintOf, markOf } from '../../../ledger/stale.ts'
import { differing, type HeldLock, type LedgerFacts, type LedgerTable } from '../checks/ledger.ts'
import { uuidsOf } from '../../../planning/table-status.ts'
import { attempted } from './question.ts'
import { foldQuery } from '../../../ledger/fold.ts'
import { ledgerReader } from '../../../ledger/reader.ts'
import type { Names } from '../../../clickhouse/own-databases.ts'
import { isMissing, serverError } from '../../../clickhouse/server-error.ts'
import type { Server } from '../../../clickhouse/server.ts'
import { openTarget } from '../../../targets/target.ts'
import { isDead, readInfo } from '../../../lock/comment.ts'
import { EPOCH_DIGITS } from '../../../lock/lock-name.ts'
import { lockStore } from '../../../lock/lock.ts'

export type LedgerQuestion = {
  readonly server: Server
  readonly names: Names
  readonly network: Network
  readonly alone: boolean
  readonly tables: readonly TableDefinition[]
}

export async function readLedger(question: LedgerQuestion): Promise<LedgerFacts> {
  const { server, names, network, alone, tables } = question
  const { connection } = server
  const keys = tables.map(({ key }) => key)
  const state = await attempted(connection, () => openTarget({ server, names }).ledgerState())
  if ('got' in state && state.got === 'absent')
    return { database: names.ledger, state, tables: { got: [] }, locks: { got: [] } }
  const locks = { server, names, network: network.name, alone, keys }
  // Before and after the ledger is read: what a run is at work on is not left behind.
  const before = await attempted(connection, () => lookAtLocks(locks))
  const found = await attempted(connection, () => readTables(question))
  const held = 'got' in before ? await attempted(connection, () => watchHeld(locks, before.got)) : before
  return { database: names.ledger, state, tables: found, locks: held }
}

/** An event that a run appends between the two folds is no fault: what differs is asked for again. */
const TRIES = 3

const PAUSE_MS = 300

type Folds = Pick<LedgerTable, 'islands' | 'fromScratch'>

async function readTables(question: LedgerQuestion): Promise<readonly LedgerTable[]> {
  const { server, names, network, tables } = question
  const reader = ledgerReader({ server, names, network: network.name })
  const targets = await openTarget({ server, names }).tables(tables.map(({ target }) => target))
  const uuids = uuidsOf(tables, targets)
  const [folds, kept] = await Promise.all([readFolds(question, reader, uuids), readSqlVersions(question)])
  return await Promise.all(
    tables
      .filter(({ key }) => uuids.has(key))
      .map(async (table): Promise<LedgerTable> => {
        const { key, target, sqlHash, rows } = table
        const both = folds.get(key)!
        const done = both.islands.filter(({ state }) => state === 'done')
        const tableStatus = targets.get(target)!
        const hashes = new Set(done.map((island) => markOf(island.sqlHash).hash))
        return {
          key,
          target: `${server.connection.database}.${target}`,
          perBlock: rows.kind === 'per-block',
          ...both,
          emptied:
            tableStatus.rows === 0 &&
            done.length > 0 &&
            (await reader.rowsWritten(key, tableStatus.uuid)) > 0,
          textless: [...hashes].filter((hash) => hash !== sqlHash && !kept.has(`${key} ${hash}`)),
          renewal: hintOf(table),
        }
      }),
  )
}

async function readFolds(
  { server, names, network }: LedgerQuestion,
  reader: Pick<ReturnType<typeof ledgerReader>, 'fold'>,
  uuids: ReadonlyMap<string, string>,
): Promise<ReadonlyMap<string, Folds>> {
  const folds = new Map<string, Folds>()
  let open = uuids
  for (let tries = 0; open.size > 0 && tries < TRIES; tries++) {
    if (tries > 0) await sleep(PAUSE_MS)
    const [views, scratch] = await Promise.all([
      reader.fold(open),
      foldFromScratch(server, names, network, open),
    ])
    for (const key of open.keys())
      folds.set(key, { islands: views.get(key)!.islands, fromScratch: scratch.get(key) ?? [] })
    open = new Map([...open].filter(([key]) => differs(folds.get(key)!)))
  }
  return folds
}

function differs({ islands, fromScratch }: Folds): boolean {
  return differing(islands, fromScratch).length > 0
}

async function foldFromScratch(
  server: Server,
  names: Names,
  network: Network,
  uuids: ReadonlyMap<string, string>,
) {
  const rows = await foldQuery(server.db.withSchema(names.ledger), {
    network: network.name,
    uuids,
    fromCheckpoint: false,
  })
    .execute()
    .catch((error: unknown) => {
      throw serverError(error, {
        connection: server.connection,
        doing: 'folding the ledger from its first event',
      })
    })
  const islands = rows.map((row) => ({
    key: row.table_key,
    from: row.range_from,
    to: row.range_to,
    state: row.state satisfies IslandState,
    sqlHash: row.sql_hash,
  }))
  return Map.groupBy(islands, ({ key }) => key)
}

/** `key hash` of all texts that are kept. */
async function readSqlVersions({ server, names }: LedgerQuestion): Promise<ReadonlySet<string>> {
  const rows = await server.db
    .withSchema(names.ledger)
    .selectFrom('sql_versions')
    .select(['table_key', 'sql_hash'])
    .distinct()
    .execute()
    .catch((error: unknown) => {
      // An older version's ledger: that is said already.
      if (isMissing(error)) return []
      throw serverError(error, {
        connection: server.connection,
        doing: 'reading the SQL texts of the ledger',
      })
    })
  return new Set(rows.map((row) => `${row.table_key} ${row.sql_hash}`))
}

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
async function watchHeld(question: LockQuestion, before: Look): Promise<readonly HeldLock[]> {
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
