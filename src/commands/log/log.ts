// Owns the reading of the ledger as history: runs and attempts, newest first. The server folds them (sql/log). Reads only.
import { MAX_ATTEMPTS } from '../../clickhouse/error-codes.ts'
import { askLedger } from '../../ledger/ask.ts'
import { DIGEST_ONLY, type LedgerPlace, REVOKED } from '../../ledger/events.ts'
import { type Author, readRunEnds, type RunEnd } from '../../ledger/run-reports.ts'
import { isDead } from '../../lock/comment.ts'
import { isWorking } from '../../lock/watch.ts'
import { openLocks } from '../../lock/lock.ts'
import { type Catalogue, importKey } from '../../model/model.ts'
import { uuidsOf } from '../../planning/table-status.ts'
import { openTarget, type TargetPort } from '../../targets/target.ts'

export type History = LedgerPlace & {
  readonly catalogue: Catalogue
  /** The database of the target server that imports fill. */
  readonly sourceDatabase: string
  readonly exclusive: boolean
}

/** Whether there is a ledger; without one the other questions fail. */
export async function hasLedger(history: History): Promise<boolean> {
  return (await openTarget(history).ledgerState()) !== 'absent'
}

export type LogQuestion = {
  readonly table: string | undefined
  /** The first digits of an id. */
  readonly run: string | undefined
  readonly limit: number
  readonly errors: boolean
  /** Only events that belong to no chunk: what `redo`, `accept`, `adopt` and `verify` say of blocks. */
  readonly marks?: boolean
}

/** The answer of sql/log/runs.sql or events.sql, newest first; the columns are the keys of `log --json`. */
export async function readLog<Row extends LoggedRun | LoggedEvent>(
  history: History,
  file: 'runs' | 'events',
  { table = '', run = '', limit, errors, marks = false }: LogQuestion,
): Promise<readonly Row[]> {
  const { server, names, catalogue, sourceDatabase } = history
  const imported = catalogue.sources.map((one) => ({ key: importKey(one.table), target: one.table }))
  const sources = { ...server, connection: { ...server.connection, database: sourceDatabase } }
  const [holders, derived, filled] = await Promise.all([
    openLocks(history).holders(),
    existing(openTarget(history), catalogue.tables),
    existing(openTarget({ server: sources, names, mayHide: true }), imported),
  ])
  const held = [...holders].flatMap(([key, holder]) =>
    holder.released || isDead(holder) || !isWorking(holder) ? [] : [[key, holder.epoch] as const],
  )
  const rows = await askLedger<Row>(history, `log/${file}`, {
    table,
    run,
    limit,
    errors,
    marks,
    revoked: REVOKED,
    digest_only: DIGEST_ONLY,
    attempts: MAX_ATTEMPTS,
    present: new Map([...derived, ...filled]),
    held: new Map(held),
  })
  if (file === 'events' || errors) return rows
  const ends = await readRunEnds(history, { table, limit, runs: [] })
  return withEnds(rows as readonly LoggedRun[], ends, limit) as readonly Row[]
}

/** What the events cannot say: a run all of whose chunks are done was stopped; one that found a lock has none. */
function withEnds(runs: readonly LoggedRun[], ends: readonly RunEnd[], limit: number): readonly LoggedRun[] {
  const endOf = (id: string) => ends.find((end) => end.run_id === id)
  const ended = runs.map((run) => {
    const end = run.outcome === 'done' ? endOf(run.run_id) : undefined
    return end === undefined ? run : { ...run, outcome: end.says }
  })
  const oldest = runs.length < limit ? '' : (runs.at(-1)?.started ?? '')
  const untold = ends.filter(
    ({ run_id: id, said }) => said > oldest && !runs.some((run) => run.run_id === id),
  )
  return [...ended, ...untold.map(withoutEvents)]
    .toSorted((one, other) => (one.ended < other.ended ? 1 : -1))
    .slice(0, limit)
}

function withoutEvents({ says, reason, tables, said, ...end }: RunEnd): LoggedRun {
  return {
    ...end,
    ...(Object.fromEntries(COUNTS.map((name) => [name, 0])) as Pick<LoggedRun, (typeof COUNTS)[number]>),
    started: said,
    ended: said,
    tables: tables.map((table) => ({ table, present: true })),
    outcome: says,
    error: reason === '' ? null : reason,
  }
}

async function existing(port: TargetPort, tables: Parameters<typeof uuidsOf>[0]) {
  return uuidsOf(tables, await port.tables(tables.map(({ target }) => target)))
}

/** A table as an event names it; `present`: not a dropped table of that name. */
export type LoggedTable = { readonly table: string; readonly present: boolean }

/** What sql/log/runs.sql counts of a run. */
const COUNTS = [
  'chunks_done', 'chunks_failed', 'chunks_open', 'blocks', 'rows_read', 'rows_written', 'accepted_blocks',
  'revoked_blocks', 'cleaned_blocks', 'invalidated_blocks', 'marked_stale_blocks',
] as const // prettier-ignore

/** Times are ISO 8601 UTC, by the server's clock. */
export type LoggedRun = Author &
  Readonly<Record<(typeof COUNTS)[number], number>> & {
    readonly run_id: string
    readonly started: string
    readonly ended: string
    readonly tables: readonly LoggedTable[]
    /**
     * `failed`: some blocks failed and were not done later in the run. `in progress`: the lock of a table is held.
     * `interrupted`: the run was stopped by a signal, or attempts were cancelled or never ended, because it was killed or lost the server.
     * `out of time`: --max-runtime ended it. `locked`: the lock of another run did.
     */
    readonly outcome: 'done' | 'failed' | 'in progress' | 'interrupted' | 'out of time' | 'locked'
    readonly error: string | null
  }

/** One attempt at a chunk, or one event that belongs to no attempt. */
export type LoggedEvent = Author &
  LoggedTable & {
    readonly run_id: string
    readonly from: number
    readonly to: number
    readonly event:
      | 'done'
      | 'failed'
      | 'in progress'
      | 'interrupted'
      | 'gave up'
      | 'out of time'
      | 'marked stale'
      | 'adopted'
      | 'cleaned'
      | 'invalidated'
      | 'accepted'
      | 'revoked'
    /** 1 for the first attempt at the range in its run, 0 if the event belongs to no attempt. */
    readonly attempt: number
    readonly ended: string
    readonly elapsed_ms: number
    readonly rows_read: number
    readonly rows_written: number
    readonly error: string | null
  }
