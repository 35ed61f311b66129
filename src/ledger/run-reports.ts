// Owns what a run says of itself that no event says, in a table of the ledger's database: what holds it back, how it ended.
import { isMissing } from '../clickhouse/server-error.ts'
import type { Server } from '../clickhouse/server.ts'
import { identity, person } from '../seam/process.ts'
import type { WritingPlace } from './events.ts'

export type RunReport = {
  readonly runId: string
  readonly tables: readonly string[]
  readonly says: 'throttled' | 'going on' | 'interrupted' | 'out of time' | 'locked'
  readonly reason: string
}

export type RunReports = ReturnType<typeof openRunReports>

/** `watching`: a connection that does not queue behind chunks. */
export function openRunReports(watching: Server, { server, names, network, toolVersion }: WritingPlace) {
  const send = async (to: Server, report: RunReport) =>
    await to.client.command({
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
  return {
    /** The newest of a run counts. `create`: for a ledger of an older version. No run fails for it. */
    async say(report: RunReport, create: () => Promise<void>): Promise<void> {
      const to = report.says === 'throttled' || report.says === 'going on' ? watching : server
      await send(to, report)
        .catch(async (error: unknown) => {
          if (!isMissing(error)) return
          await create()
          await send(to, report)
        })
        .catch(() => undefined)
    },
  }
}
