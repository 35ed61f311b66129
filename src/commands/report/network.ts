// Owns what the page says of one network: the fields of `status --json`, what the files say of each table, and the ledger's figures (sql/log, sql/report).
import { createTwoFilesPatch, FILE_HEADERS_ONLY } from 'diff'
import { countBlocks } from '../../model/blocks.ts'
import type { TableDefinition } from '../../model/model.ts'
import type { Context } from '../../session/session.ts'
import { ddlColumns } from '../../sql-syntax/create-table.ts'
import type { Session } from '../../workspace/open.ts'
import { listFields } from '../list/command.ts'
import { readHealth } from '../status/command.ts'
import { statusFields } from '../status/render.ts'
import { next, sentences } from '../status/sentences.ts'
import type { TableReport } from '../status/table-report.ts'
import { askLedger } from '../../ledger/ask.ts'
import { hasLedger, type History, type LoggedEvent, type LoggedRun, readLog } from '../log/log.ts'

/** Ranges of one kind in one table: the longest are kept, so that a ledger in pieces does not make a page of megabytes. */
const MAX_RANGES = 300
/** SQL versions of a table, the newest. */
const MAX_VERSIONS = 10
/** Of one patch, in UTF-16 units. */
const MAX_PATCH = 8_000

export async function readNetwork(
  { config, output }: Pick<Context, 'config' | 'output'>,
  session: Session,
): Promise<object> {
  const { workspace } = session
  const ledger = workspace.ports.target.ledgerState()
  const [{ status }, figures, ...versions] = await Promise.all([
    readHealth(session, config.lag.value),
    readFigures(session, config.servers.kind === 'embedded'),
    ...workspace.chosen.map(async (table) =>
      (await ledger) === 'absent' ? [] : readVersions(session, table),
    ),
  ])
  return {
    network: workspace.network.name,
    addresses: workspace.addresses,
    status: statusFields({ ...status, tables: status.tables.map(bounded) }),
    sums: status.tables.map(sumsOf),
    sentences: sentences(status).map(output.carry),
    next: next(status).map(output.carry),
    definitions: workspace.chosen.map((table, at) => ({
      ...listFields(table),
      file: table.transform.file,
      sql: table.rawText,
      columns: ddlColumns(table.ddl),
      versions: versions[at],
    })),
    ...figures,
  }
}

const KINDS = [
  'covered', 'missing', 'sourceGaps', 'incomplete', 'stale', 'inProgress', 'dirty', 'accepted',
] as const // prettier-ignore

function bounded(table: TableReport): TableReport {
  const cut = KINDS.map((kind) => [kind, longest(table[kind])] as const)
  const staleVersions = table.staleVersions
    .slice(0, MAX_VERSIONS)
    .map((version) => ({ ...version, blocks: longest(version.blocks) }))
  return { ...table, ...Object.fromEntries(cut), unprobed: longest(table.unprobed), staleVersions }
}

function longest(ranges: TableReport['covered']): TableReport['covered'] {
  if (ranges.length <= MAX_RANGES) return ranges
  const kept = ranges.toSorted((a, b) => b.to - b.from - (a.to - a.from)).slice(0, MAX_RANGES)
  return kept.toSorted((a, b) => a.from - b.from)
}

/** Kind -> blocks and ranges of all its ranges, and how many of these the page leaves out. */
function sumsOf(table: TableReport): object {
  const sums = KINDS.map((kind) => {
    const { length } = table[kind]
    return [
      kind,
      { blocks: countBlocks(table[kind]), ranges: length, leftOut: Math.max(0, length - MAX_RANGES) },
    ]
  })
  return { table: table.table, ...Object.fromEntries(sums) }
}

/** The SQL texts that the ledger kept, newest first, each with its difference from the one before. */
async function readVersions({ workspace }: Session, { key }: TableDefinition): Promise<readonly object[]> {
  const texts = await workspace.ports.versions.texts(key)
  return texts
    .map(({ text, ...version }, at) => {
      const before = texts[at - 1]
      return { ...version, patch: before === undefined ? null : patchOf(before.text, text) }
    })
    .toReversed()
    .slice(0, MAX_VERSIONS)
}

function patchOf(before: string, after: string): string {
  const patch = createTwoFilesPatch('', '', before, after, '', '', {
    context: 3,
    headerOptions: FILE_HEADERS_ONLY,
  })
  const text = patch.trimEnd().split('\n').slice(2).join('\n')
  return text.length > MAX_PATCH ? `${text.slice(0, MAX_PATCH)}\n…` : text
}

/** The most lines of each list, so that no ledger makes the page long; and the slices of time of the charts. */
const LIMITS = { runs: 40, chunks: 1000, failures: 50, marks: 100, slices: 150 } as const

const NOTHING = { runs: [], chunks: [], failures: [], marks: [], slowest: [], throughput: [] }

/** Newest first. `chunks`: those of the newest run that had any. `marks`: what `redo`, `accept`, `adopt` and `verify` said of blocks. @throws BackfillError `server` */
async function readFigures({ workspace, connected }: Session, isEmbedded: boolean) {
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
