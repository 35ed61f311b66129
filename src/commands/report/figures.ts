// Owns what the report takes from the ledger beside the status: runs, failures, what people did, times (sql/log, sql/report).
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { hasLedger, type History, type LoggedEvent, type LoggedRun, readLog } from '../log/log.ts'
import { PROGRAM_SQL } from '../../package-folder.ts'
import type { Session } from '../../workspace/open.ts'

/** The most lines of each list, so that no ledger makes the page long; and the slices of time of the charts. */
const LIMITS = { runs: 40, failures: 50, marks: 100, slices: 150 } as const

const NOTHING = { runs: [], failures: [], marks: [], slowest: [], throughput: [] }

/** Newest first. `marks`: what `redo`, `accept`, `adopt` and `verify` said of blocks. @throws BackfillError `server` */
export async function readFigures({ workspace, connected }: Session, isEmbedded: boolean) {
  const { network, catalogue, chosen } = workspace
  const history: History = {
    server: connected.target,
    names: connected.names,
    network: network.name,
    catalogue,
    sourceDatabase: connected.source.connection.database,
    exclusive: isEmbedded,
  }
  if (!(await hasLedger(history))) return NOTHING
  const all = { table: undefined, run: undefined, errors: false }
  const [runs, failures, marks, slowest, throughput] = await Promise.all([
    readLog<LoggedRun>(history, 'runs', { ...all, limit: LIMITS.runs }),
    readLog<LoggedEvent>(history, 'events', { ...all, errors: true, limit: LIMITS.failures }),
    readLog<LoggedEvent>(history, 'events', { ...all, marks: true, limit: LIMITS.marks }),
    ask('slowest'),
    ask('throughput'),
  ])
  return { runs, failures, marks, slowest, throughput }

  async function ask(file: string): Promise<readonly object[]> {
    return await connected.target.client.rows<object>({
      query: await readFile(join(PROGRAM_SQL, 'report', `${file}.sql`), 'utf8'),
      query_params: {
        ledger: connected.names.ledger,
        network: network.name,
        tables: chosen.map(({ key }) => key),
        slices: LIMITS.slices,
      },
      doing: 'reading the ledger',
    })
  }
}
