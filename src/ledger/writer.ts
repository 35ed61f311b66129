// Owns appending events to the ledger: fenced, one at a time, with retries.
import { sql } from 'kysely'
import pLimit, { type LimitFunction } from 'p-limit'
import { openAppends, rowOfEvent } from './append.ts'
import type { LedgerEvent, WritingPlace } from './events.ts'
import type { BlockSet } from '../model/blocks.ts'
import { type RetryPolicy, withRetry } from '../clickhouse/retry.ts'
import type { Lock } from '../lock/lock.ts'
import { typed } from '../clickhouse/dialect.ts'
import type { OldestParts } from '../clickhouse/oldest-parts.ts'
import { fences } from '../lock/fence.ts'
import { type Advance, advance } from './advance.ts'
import type { InputTable } from './built-from.ts'
import { takeOver, ledgerOwnership } from './ownership.ts'
import { eventsOf, foldQuery } from './fold.ts'
import { knownDigests } from './known-digests.ts'
import { ledgerReader } from './reader.ts'
import { reachable } from '../clickhouse/servers.ts'
import { ISLANDS, type Schema } from '../clickhouse/schema.ts'
import { identity } from '../seam/process.ts'

/** `error`: the reason, if it is not obvious. `queryId`: of an attempt that is only assumed. */
type Declaration = Pick<LedgerEvent, 'event' | 'targetUuid' | 'runId' | 'sqlHash' | 'error' | 'queryId'> & {
  readonly blocks: BlockSet
}

type CheckpointRequest = {
  readonly lock: Lock
  readonly targetUuid: string
  /** The derived tables that it reads, if the versions that its ranges were computed from are to be looked at. */
  readonly inputs?: readonly InputTable[]
  /** Of the target now, if it is watched. */
  readonly parts?: OldestParts | undefined
  /** Those of before may be gone: somebody has looked that the rows are there. */
  readonly isWhole?: boolean
}

export type LedgerPort = ReturnType<typeof openLedger>

export function openLedger(options: WritingPlace) {
  return {
    ...ledgerReader(options),
    ...ledgerOwnership(options),
    ...knownDigests(options),
    ...ledgerWriter(options),
    takeOver: (
      lock: Lock,
      uuids: { readonly from: string; readonly to: string },
      inputs: readonly InputTable[],
    ) => takeOver(options, lock, uuids, inputs),
  }
}

/** Events with the same query id belong to one attempt at one range. */
const queryOf = ({ attempt, queryId, range }: LedgerEvent) =>
  attempt === undefined && queryId !== undefined && { query_id: `${queryId}-${range.from}` }

function ledgerWriter(place: WritingPlace) {
  const { server, names, network, toolVersion } = place
  const send = openAppends(place)
  const reader = ledgerReader({ server, names, network })
  const db = server.db.withSchema(names.ledger)
  const queries = { reachable: (retryPolicy: RetryPolicy) => reachable([server], retryPolicy) }

  /**
   * One event of a lock at a time: a checkpoint folds the events that have arrived, so every event with a lower seq must
   * arrive before it. For several locks, wait for all their queues, always in the same order, to avoid a deadlock.
   */
  const queues = new WeakMap<Lock, LimitFunction>()
  function inTurn(locks: readonly Lock[], work: () => Promise<void>): Promise<void> {
    const inOrder = locks.toSorted((one, other) => (one.key < other.key ? 1 : -1))
    return inOrder.reduce((inner, lock) => {
      const queue = queues.get(lock) ?? pLimit(1)
      queues.set(lock, queue)
      return () => queue(inner)
    }, work)()
  }

  /** Acknowledged when it resolves. With a retry policy, the same event with the same (epoch, seq) is sent again after transient errors. */
  const append = (lock: Lock, event: LedgerEvent, retryPolicy?: RetryPolicy): Promise<void> =>
    appendAll(lock, [event], retryPolicy)

  /** In their order and in one statement: all of them are written, or none. Not for more than some 100,000. */
  const appendAll = (lock: Lock, events: readonly LedgerEvent[], retryPolicy?: RetryPolicy): Promise<void> =>
    inTurn([lock], () => appendNow(lock, events, retryPolicy))

  async function appendNow(lock: Lock, events: readonly LedgerEvent[], retryPolicy?: RetryPolicy) {
    const { key, name: lockName, epoch } = lock
    const rows = events.map((event) => ({
      ...rowOfEvent(event),
      ...queryOf(event),
      table_key: key,
      epoch,
      seq: lock.nextSeq(),
      range_from: event.range.from,
      range_to: event.range.to,
    }))
    await send({ lockName, key, rows, event: events[0]!.event, retryPolicy })
  }

  /** Marks done ranges whose inputs have changed since; resolves with the versions that all others have now. */
  async function advanceInputs(
    requests: readonly CheckpointRequest[],
    runId: string,
    retryPolicy?: RetryPolicy,
  ): Promise<Advance['newest']> {
    const of = new Map(requests.map((request) => [request.lock.key, request]))
    const { marks, newest } = await advance(
      reader,
      requests.map(({ lock, targetUuid, inputs = [] }) => ({ key: lock.key, targetUuid, inputs })),
    )
    for (const { key, range, ...mark } of marks) {
      const { lock, targetUuid } = of.get(key)!
      await appendNow(lock, [{ event: 'done', targetUuid, runId, range, ...mark }], retryPolicy)
    }
    return newest
  }

  /** Of the checkpoint before, and of now. */
  function oldestPartsOf(requests: readonly CheckpointRequest[], uuids: ReadonlyMap<string, string>) {
    const keys = (of: readonly CheckpointRequest[]) => array('String', of, ({ lock }) => lock.key)
    const whole = requests.filter(({ isWhole }) => isWhole)
    const watched = requests.filter(({ parts = [] }) => parts.length > 0)
    const texts = watched.map(({ parts = [] }) => sql.lit(JSON.stringify(Object.fromEntries(parts))))
    return sql`(
      SELECT CAST((groupArray(key), groupArray(oldest)), 'Map(String, Map(String, Int64))') FROM (
        SELECT key, minMap(parts) AS oldest FROM (
          SELECT toString(table_key) AS key, oldest_parts AS parts
          FROM ${eventsOf(db, { network, uuids, fromCheckpoint: true }).select('oldest_parts')}
          WHERE NOT has(${keys(whole)}, key)
          UNION ALL
          SELECT now.1 AS key, JSONExtract(now.2, 'Map(String, Int64)') AS parts
          FROM (SELECT arrayJoin(arrayZip(${keys(watched)}, CAST([${sql.join(texts)}], 'Array(String)'))) AS now)
        ) GROUP BY key
      )
    )[mark.1]`
  }

  return {
    append,
    appendAll,

    /** Appends the same event, one without an attempt, for each range; once `until` is aborted, no further statement is sent. */
    appendEach: async (
      lock: Lock,
      { blocks, ...said }: Declaration,
      retryPolicy?: RetryPolicy,
      until?: AbortSignal,
    ): Promise<void> => {
      for (let start = 0; start < blocks.length; start += RANGES_AT_ONCE) {
        if (until?.aborted === true) return
        const some = blocks.slice(start, start + RANGES_AT_ONCE).map((range) => ({ ...said, range }))
        await appendAll(lock, some, retryPolicy)
      }
    },

    /**
     * The fold of all events so far, from which the next one starts, for all tables or for none. Where inputs are given, it says which of their versions
     * the ranges were computed from (advance.ts).
     */
    checkpoint: async (requests: readonly CheckpointRequest[], runId: string, retryPolicy?: RetryPolicy) => {
      if (requests.length === 0) return
      const locks = requests.map(({ lock }) => lock)
      await inTurn(locks, async () => {
        const newest = await advanceInputs(requests, runId, retryPolicy)
        const from = sql<MarkedRow>`(
          SELECT arrayJoin(arrayZip(
            ${array('String', requests, ({ lock }) => lock.key)},
            ${array('UInt64', requests, ({ lock }) => lock.epoch)},
            ${array('UInt64', requests, ({ lock }) => lock.nextSeq())},
            ${array('UUID', requests, ({ targetUuid }) => targetUuid)}
          )) AS mark
        )`
        // The server folds and writes in one statement, so the islands never leave it, whatever their number. Parsing the fold
        // takes longer than running it, so one statement serves all tables.
        const uuids = new Map(requests.map(({ lock, targetUuid }) => [lock.key, targetUuid]))
        const islands = sql`(
          SELECT CAST((groupArray(table_key), groupArray(islands)), ${sql.lit(`Map(String, ${ISLANDS})`)}) FROM (
            SELECT toString(table_key) AS table_key,
              groupArray((\`from\`, toUInt64(\`to\`), toString(state), sqlHash, forks, inputs)) AS islands
            FROM ${foldQuery(db, { network, uuids, fromCheckpoint: true, newest })}
            GROUP BY table_key
          )
        )[mark.1]`
        const row = {
          event: sql`'checkpoint'`,
          run_id: sql`${runId}`,
          table_key: sql`mark.1`,
          epoch: sql`mark.2`,
          seq: sql`mark.3`,
          target_uuid: sql`mark.4`,
          // Those of the checkpoint before, and those since.
          digest_rows: sql`(
            SELECT CAST((groupArray(table_key), groupArray(rows)), 'Map(String, UInt64)') FROM (
              SELECT toString(table_key) AS table_key, sum(ifNull(digest_rows, 0)) AS rows
              FROM ${eventsOf(db, { network, uuids, fromCheckpoint: true }).select('digest_rows')} GROUP BY table_key
            )
          )[mark.1]`,
          oldest_parts: oldestPartsOf(requests, uuids),
          islands,
          network: sql`${network}`,
          user: sql`currentUser()`,
          host: sql`${identity().host}`,
          tool_version: sql`${toolVersion}`,
          event_time: sql`now64(6)`,
        }
        const fenced = fences(
          locks.map(({ name }) => name),
          names,
        )
        const statement = server
          .during(`recording a checkpoint of ${[...uuids.keys()].join(', ')} in the ledger`)
          .withSchema(names.ledger)
          .insertInto('ledger')
          .columns(Object.keys(row) as (keyof Schema['ledger'])[])
          .expression(
            db
              .selectFrom(from.as('marks'))
              .select(Object.entries(row).map(([column, value]) => value.as(column)))
              .where(fenced),
          )
        const write = async (): Promise<void> => void (await statement.execute())
        // An earlier one may have arrived: the same event twice, at the same (epoch, seq), folds as one.
        await (retryPolicy === undefined ? write() : withRetry({ queries, retryPolicy, small: true }, write))
      })
    },
  }
}

function array<Item>(type: string, items: readonly Item[], value: (item: Item) => string | number): string {
  return typed<string>(items.map(value), `Array(${type})`)
}

type MarkedRow = { readonly mark: unknown }

/** A statement of this many takes well under a second; an abort waits for one. */
const RANGES_AT_ONCE = 5_000
