// Owns what the report takes from the ledger beside the status: runs, failures, what people did, times (sql/log, sql/report).
import { askLedger } from '../../ledger/ask.ts'
import { hasLedger, type History, type LoggedEvent, type LoggedRun, readLog } from '../log/log.ts'
import type { Session } from '../../workspace/open.ts'

/** The most lines of each list, so that no ledger makes the page long; and the slices of time of the charts. */
const LIMITS = { runs: 40, chunks: 1000, failures: 50, marks: 100, slices: 150 } as const

const NOTHING = { runs: [], chunks: [], failures: [], marks: [], slowest: [], throughput: [] }

/** Newest first. `chunks`: those of the newest run that had any. `marks`: what `redo`, `accept`, `adopt` and `verify` said of blocks. @throws BackfillError `server` */
export async function readFigures({ workspace, connected }: Session, isEmbedded: boolean) {
  const { catalogue, chosen } = workspace
  const history: History = {
    ...connected.place,
    catalogue,
    sourceDatabase: connected.source.connection.database,
    exclusive: isEmbedded,
  }
  if (!(await hasLedger(history))) return NOTHING
  const charted = { tables: chosen.map(({ key }) => key), slices: LIMITS.slices }
  const all = { table: undefined, run: undefined, errors: false }
  const lastChunks = async (runs: readonly LoggedRun[]) => {
    const last = runs.find((run) => run.chunks_done + run.chunks_failed > 0)
    if (last === undefined) return []
    return await readLog<LoggedEvent>(history, 'events', { ...all, run: last.run_id, limit: LIMITS.chunks })
  }
  const asked = readLog<LoggedRun>(history, 'runs', { ...all, limit: LIMITS.runs })
  const [runs, chunks, failures, marks, slowest, throughput] = await Promise.all([
    asked,
    asked.then(lastChunks),
    readLog<LoggedEvent>(history, 'events', { ...all, errors: true, limit: LIMITS.failures }),
    readLog<LoggedEvent>(history, 'events', { ...all, marks: true, limit: LIMITS.marks }),
    askLedger<object>(history, 'report/slowest', charted),
    askLedger<object>(history, 'report/throughput', charted),
  ])
  return { runs, chunks, failures, marks, slowest, throughput }
}
