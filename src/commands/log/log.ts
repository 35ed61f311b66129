// Owns the reading of the ledger as history: runs and attempts, folded by the server, newest first. Reads only.
import { sql } from 'kysely'
import { REVOKED } from '../../ledger/events.ts'
import type { LoggedEvent, LoggedRun, LoggedState, LogQuestion } from './report.ts'
import type { LockInfo } from '../../lock/comment.ts'
import type { Locks } from '../../lock/lock.ts'
import type { TargetPort } from '../../targets/target-port.ts'
import { eventsQuery, type EventRow } from './events-query.ts'
import { runsQuery, type RunRow } from './runs-query.ts'
import type { Names } from '../../clickhouse/own-databases.ts'
import type { Server } from '../../clickhouse/server.ts'

export type LogOptions = {
  readonly server: Server
  readonly names: Names
  readonly network: string
  /** The derived tables, and the source tables that imports fill. */
  readonly kept: readonly KeptTables[]
  readonly target: Pick<TargetPort, 'ledgerState'>
  readonly locks: Locks
}

type KeptTables = {
  /** Table key -> name of its target. */
  readonly targets: ReadonlyMap<string, string>
  readonly target: Pick<TargetPort, 'tables'>
}

export type LogPort = ReturnType<typeof openLog>

/** The queries of `log`; every result is newest first. All functions throw BackfillError `server`. */
export function openLog({ server, names, network, kept, target, locks }: LogOptions) {
  const db = server.during('reading the ledger').withSchema(names.ledger)

  /** Distinguishes events of existing tables from events of dropped ones, and live runs from dead ones. */
  async function present(): Promise<Present> {
    const [found, holders] = await Promise.all([Promise.all(kept.map(uuidsByKey)), locks.holders()])
    const uuids = new Map(found.flatMap((one) => [...one]))
    return { holders, uuidOf: (key) => uuids.get(key) }
  }

  return {
    /** Whether there is a ledger; without one the other queries fail. */
    exists: async (): Promise<boolean> => (await target.ledgerState()) !== 'absent',

    /** Table keys of the network that have events. */
    async tables(): Promise<readonly string[]> {
      const rows = await db
        .selectFrom('ledger')
        .select('table_key')
        .where('network', '=', network)
        .groupBy('table_key')
        .orderBy('table_key')
        .execute()
      return rows.map((row) => row.table_key)
    },

    async runs(question: LogQuestion): Promise<readonly LoggedRun[]> {
      const [rows, now] = await Promise.all([runsQuery(db, { network, ...question }).execute(), present()])
      return rows.map((row) => runOf(row, now))
    },

    async events(
      question: LogQuestion & { readonly runId: string | undefined },
    ): Promise<readonly LoggedEvent[]> {
      const [rows, now] = await Promise.all([eventsQuery(db, { network, ...question }).execute(), present()])
      return rows.map((row) => eventOf(row, now))
    },

    /** Run ids with this prefix, at most a few. */
    async runIds(prefix: string): Promise<readonly string[]> {
      const rows = await db
        .selectFrom('ledger')
        .select('run_id')
        .where('network', '=', network)
        .where(sql<boolean>`startsWith(run_id, ${prefix})`)
        .groupBy('run_id')
        .orderBy('run_id')
        .limit(MAX_RUN_IDS)
        .execute()
      return rows.map((row) => row.run_id)
    },
  }
}

const MAX_RUN_IDS = 5

async function uuidsByKey({ targets, target: place }: KeptTables): Promise<ReadonlyMap<string, string>> {
  const tables = await place.tables([...targets.values()])
  return new Map(
    [...targets].flatMap(([key, name]): [string, string][] => {
      const table = tables.get(name)
      return table === undefined ? [] : [[key, table.uuid]]
    }),
  )
}

type Present = {
  readonly holders: ReadonlyMap<string, LockInfo>
  readonly uuidOf: (key: string) => string | undefined
}

/** Whether the lock of this epoch is still held. */
function isHeld({ holders }: Present, key: string, epoch: number): boolean {
  const holder = holders.get(key)
  return holder !== undefined && !holder.released && holder.epoch === epoch
}

function runOf({ parts, rangesFailed, ...run }: RunRow, now: Present): LoggedRun {
  const isLocked = parts.some(([table, , epoch]) => isHeld(now, table, epoch))
  const unended = run.chunksOpen > 0 ? (isLocked ? 'running' : 'unfinished') : 'done'
  return {
    ...run,
    tables: parts
      .map(([table, uuid]) => ({ table, present: now.uuidOf(table) === uuid }))
      .toSorted((a, b) => (a.table < b.table ? -1 : 1)),
    outcome: rangesFailed > 0 && unended !== 'running' ? 'failed' : unended,
  }
}

function eventOf(row: EventRow, now: Present): LoggedEvent {
  const { event, from, to, uuid, epoch: _epoch, started, ended, ...rest } = row
  return {
    ...rest,
    present: now.uuidOf(rest.table) === uuid,
    range: { from, to },
    state: stateOf(row, now),
    at: ended,
    // A failed attempt has no recorded time: use the time from its first to its last event.
    elapsedMs: rest.elapsedMs > 0 ? rest.elapsedMs : ended - started,
    error: event === 'failed' ? rest.error : '',
  }
}

function stateOf({ event, error, table, epoch }: EventRow, now: Present): LoggedState {
  if (event === 'started') return isHeld(now, table, epoch) ? 'running' : 'unfinished'
  return event === 'cleaned' && error === REVOKED ? 'revoked' : event
}
