// Owns sending events to the ledger, as rows, under the fences of their locks: what arrives while a statement is under way goes with
// the next one.
import { withRetry, type RetryPolicy } from '../clickhouse/retry.ts'
import { nodesReachable } from '../clickhouse/cluster/cluster.ts'
import { reachable } from '../clickhouse/servers.ts'
import { withParams } from '../clickhouse/dialect.ts'
import { fences } from '../lock/fence.ts'
import { identity } from '../seam/process.ts'
import type { WritingPlace, LedgerEvent } from './events.ts'
import { insertRows } from './insert-rows.ts'
import { EVENT_TYPES } from '../clickhouse/schema.ts'

/** Events of one lock. */
type Request = {
  /** Under whose fence: the lock's name at the time when its events got their numbers. */
  readonly lockName: string
  readonly key: string
  readonly rows: readonly EventRow[]
  readonly event: string
  readonly retryPolicy: RetryPolicy | undefined
}

type Waiting = Request & { readonly resolve: () => void; readonly reject: (error: unknown) => void }

/** Requests in one statement: it holds a name of a lock for each. */
const MOST_TOGETHER = 100

/** The function resolves when the server has acknowledged the events. @throws BackfillError (the function) `locked`, `server` */
export function openAppends(place: WritingPlace): (request: Request) => Promise<void> {
  const { server, names, network, toolVersion } = place
  const waiting: Waiting[] = []
  let isSending = false

  /** All events of all requests are written, or none. */
  async function insert(requests: readonly Request[]): Promise<void> {
    const own = { network, host: identity().host, tool_version: toolVersion }
    const rows = requests.flatMap((request) => request.rows.map((row) => ({ ...row, ...own })))
    const used = new Set(rows.flatMap((row) => Object.keys(row)))
    const lockNames = [...new Set(requests.map(({ lockName }) => lockName))]
    const what = requests.length === 1 ? `'${requests[0]!.event}'` : 'events'
    await insertRows(place, {
      table: 'ledger',
      // A ledger of an older version lacks columns that it need not have.
      types: Object.fromEntries(Object.entries(EVENT_TYPES).filter(([column]) => used.has(column))),
      // The server's clock, not ours; only for people, because (epoch, seq) is the order.
      computed: { user: 'currentUser()', event_time: 'now64(6)' },
      rows,
      where: withParams(fences(lockNames, names).compile(server.db)),
      doing: `recording ${what} of ${requests.map(({ key }) => key).join(', ')} in the ledger`,
    })
  }

  /**
   * With a retry policy, the same events are sent again after transient errors: twice at the same (epoch, seq), they fold as one.
   * `sent`: the first attempt, if it is under way.
   */
  function alone(request: Waiting, sent?: Promise<void>): void {
    const { retryPolicy, resolve, reject } = request
    const queries = {
      async reachable(policy: RetryPolicy): Promise<void> {
        await reachable([server], policy)
        await nodesReachable(server, policy)
      },
    }
    let first = sent
    const send = (): Promise<void> => {
      const now = first ?? insert([request])
      first = undefined
      return now
    }
    const all = retryPolicy === undefined ? send() : withRetry({ queries, retryPolicy, small: true }, send)
    void all.then(resolve, reject)
  }

  async function sendWaiting(): Promise<void> {
    isSending = true
    // Whoever appends in the same turn comes along.
    await Promise.resolve()
    while (waiting.length > 0) {
      const requests = waiting.splice(0, MOST_TOGETHER)
      const sent = insert(requests)
      if (requests.length === 1) alone(requests[0]!, sent)
      await sent.then(
        () => requests.forEach(({ resolve }) => resolve()),
        // A lock that is lost is lost for its own events only. Nobody waits for the next attempts of others.
        () => requests.length > 1 && requests.forEach((request) => alone(request)),
      )
    }
    isSending = false
  }

  return (request) =>
    new Promise((resolve, reject) => {
      waiting.push({ ...request, resolve, reject })
      if (!isSending) void sendWaiting()
    })
}

export type EventRow = Readonly<Partial<Record<keyof typeof EVENT_TYPES, string | number | boolean>>>

/** What the event says, by columns: `sqlHash` is `sql_hash` there. What has no column is left out. */
export function rowOfEvent({ digest, ...said }: Omit<LedgerEvent, 'range'>): EventRow {
  const named = Object.entries(said)
    .map(([name, value]) => [columnOf(name), value] as const)
    .filter(([column, value]) => value !== undefined && Object.hasOwn(EVENT_TYPES, column))
    .map(([column, value]) => [column, wellFormed(value)])
  const digested = digest && {
    digest_rows: digest.rows,
    digest_sum: digest.sum,
    digest_columns: digest.columns,
  }
  return { ...(Object.fromEntries(named) as EventRow), ...digested }
}

const columnOf = (name: string) => name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)

/** A text that was cut may end with half a character, which the server would not read. */
const wellFormed = (value: string | number | boolean) =>
  typeof value === 'string' ? value.toWellFormed() : value
