// Owns what a run says of itself that no event says, in a table of the ledger's database: what holds it back, how it ended.
import type { Lock, Locks } from '../lock/lock.ts'
import type { WaitNote } from '../lock/watch.ts'
import type { BackfillError } from '../model/errors.ts'
import { unlessMissing } from '../clickhouse/server-error.ts'
import type { Server } from '../clickhouse/server.ts'
import { identity, person } from '../seam/process.ts'
import { askLedger } from './ask.ts'
import type { LedgerPlace, WritingPlace } from './events.ts'

/** What may hold a run back that only the run itself knows: reasons of a standstill. */
export const HELD_BACK = ['load', 'disk', 'unreachable'] as const
export type HeldBack = (typeof HELD_BACK)[number]

/** How a run ended, if not because its work was done. */
export type Ending = 'interrupted' | 'out of time' | 'locked'

export type RunReport = {
  readonly runId: string
  readonly tables: readonly string[]
  readonly says: HeldBack | 'going on' | Ending
  readonly reason: string
}

export type RunReports = ReturnType<typeof openRunReports>

/** `watching`: a connection that does not queue behind chunks. */
export function openRunReports(watching: Server, { server, names, network, toolVersion }: WritingPlace) {
  return {
    /** The newest of a run counts. No run fails for it. */
    async say(report: RunReport): Promise<void> {
      const to = [...HELD_BACK, 'going on'].includes(report.says) ? watching : server
      await to.client
        .command({
          query: `INSERT INTO {ledger:Identifier}.run_reports (network, run_id, tables, says, reason, person, user, host, tool_version, said_at)
            SELECT {network:String}, {runId:UUID}, {tables:Array(String)}, {says:String}, {reason:String}, {person:String}, currentUser(), {host:String}, {toolVersion:String}, now64(6)`,
          query_params: {
            ...report,
            ledger: names.ledger,
            network,
            person: person(),
            host: identity().host,
            toolVersion,
          },
          doing: 'saying how the run goes',
        })
        .catch(() => undefined)
    },
  }
}

type Taking = Pick<RunReport, 'runId' | 'tables'> & {
  readonly key: string
  readonly command: string
  readonly waitMs: number
  readonly note: WaitNote
}

/** As `locks.acquire`, for a run that begins with it: if the lock is held, `log` has the run. @throws BackfillError `locked` */
export async function takeLock(
  { locks, runReports }: { readonly locks: Pick<Locks, 'acquire'>; readonly runReports: RunReports },
  { key, command, waitMs, note, ...run }: Taking,
): Promise<Lock> {
  try {
    return await locks.acquire(key, note, waitMs, command)
  } catch (error) {
    const { kind, message } = error as BackfillError
    if (kind === 'locked') await runReports.say({ ...run, says: 'locked', reason: message })
    throw error
  }
}

export type Author = { readonly user: string; readonly host: string; readonly tool_version: string }

export type RunEnd = Author & {
  readonly run_id: string
  readonly says: Ending
  readonly reason: string
  readonly tables: readonly string[]
  /** ISO 8601 UTC, by the server's clock. */
  readonly said: string
}

/** Newest first. `table`: '' for all; `runs`: [] for all. A ledger of an older version knows none. @throws BackfillError `server` */
export async function readRunEnds(
  place: LedgerPlace,
  which: { readonly table: string; readonly limit: number; readonly runs: readonly string[] },
): Promise<readonly RunEnd[]> {
  return await askLedger<RunEnd>(place, 'log/ends', which).catch(unlessMissing([]))
}
