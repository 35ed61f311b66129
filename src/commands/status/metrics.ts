// Owns `status --format prometheus`: the text exposition format, for the textfile collector of node_exporter. Pure.
import { countBlocks } from '../../model/blocks.ts'
import type { StatusReport, TableReport } from './table-report.ts'

/** The last run of a table (sql/log/last-runs.sql). `ended`: seconds since 1970; `idle`: seconds since then; `seconds`: how long it took. */
export type LastRun = {
  readonly table: string
  readonly ended: number
  readonly idle: number
  readonly seconds: number
  readonly outcome: (typeof OUTCOMES)[number]
}

/** The newest block of a source table; `age` of its newest rows in seconds, undefined if unknown. */
type NewestBlock = { readonly source: string; readonly block: number; readonly age: number | undefined }

export type NetworkMetrics = {
  readonly report: StatusReport
  readonly runs: readonly LastRun[]
  readonly newest: readonly NewestBlock[]
}

const ofNetwork = { network: ({ network }: { readonly network: string }) => network }
const ofTable = { ...ofNetwork, table: ({ table }: { readonly table: string }) => table }

/** The lines of all metrics: each is said once, with its samples of all networks. A value that is unknown has no sample. */
export function metricsLines(networks: readonly NetworkMetrics[], version: string): readonly string[] {
  return [
    ...families(
      networks,
      () => [{ version }],
      { ...ofNetwork, version: (one) => one.version },
      VERSION_METRICS,
    ),
    ...families(networks, ({ report }) => report.tables, ofTable, TABLE_METRICS),
    ...families(networks, ({ runs }) => runs, ofTable, RUN_METRICS),
    ...families(networks, stallsOf, { ...ofTable, reason: ({ reason }) => reason }, STANDSTILL_METRICS),
    ...families(networks, outcomesOf, { ...ofTable, outcome: ({ outcome }) => outcome }, OUTCOME_METRICS),
    ...families(
      networks,
      ({ newest }) => newest,
      { ...ofNetwork, source: ({ source }) => source },
      SOURCE_METRICS,
    ),
  ]
}

/** `name  What it says.` -> its value; undefined and null are unknown. */
type Metrics<Of> = Readonly<Record<string, (one: Of) => number | null | undefined>>

const VERSION_METRICS: Metrics<unknown> = {
  'build_info  The version of backfill that wrote these metrics.': () => 1,
}

const up = 'If it grows, `backfill up` does not run or does not keep up: `backfill log` shows its runs.'

const TABLE_METRICS: Metrics<TableReport> = {
  'expected_blocks  Blocks that the table should have, without source gaps and incomplete blocks.': (table) =>
    table.expectedBlocks,
  'done_blocks  Expected blocks that are done.': (table) => table.doneBlocks,
  [`missing_blocks  Expected blocks that are not done. ${up}`]: (table) => table.missingBlocks,
  'stale_blocks  Done blocks that would be computed differently now. `backfill redo --stale` builds them again.':
    (table) => countBlocks(table.stale),
  'dirty_blocks  Blocks that may be partly written. `backfill up` recovers them, or says what to do.': (
    table,
  ) => countBlocks(table.dirty),
  'incomplete_blocks  Blocks that some sources have and others lack. They run once the rows arrive; `backfill status` names them.':
    (table) => countBlocks(table.incomplete),
  'source_gap_blocks  Blocks that no source has. If they should exist, load them; if not, `backfill accept` marks them as expected.':
    (table) => countBlocks(table.sourceGaps),
  'absences  Reasons to distrust the table: unknown rows, an emptied table, sources without rows, a head that went back. Above 0, read `backfill status`.':
    (table) => table.absences.length,
  'watermark_block  The end of the unbroken run of done blocks from the first one on. Readers may trust the table up to here.':
    (table) => table.watermark,
  'head_block  The newest block that the table can have now.': (table) => table.head,
  'table_rows  Rows of the table, before merging.': (table) => table.rows,
  'lock_held  1 while a run holds the lock of the table. If it stays 1 after the run has died, `backfill unlock <table>` frees it.':
    (table) => Number(table.lock !== null),
  'ledger_events_since_checkpoint  Events that the next start has to read. Beyond 10,000, runs end before their checkpoint: look at `backfill log`.':
    (table) => table.eventsSinceCheckpoint,
}

const RUN_METRICS: Metrics<LastRun> = {
  'last_run_timestamp_seconds  When the last run wrote into the table, by the clock of the server. An idle run writes nothing.':
    ({ ended }) => ended,
  'last_run_duration_seconds  How long the last run worked on the table.': ({ seconds }) => seconds,
}

const OUTCOMES = ['done', 'failed', 'in progress', 'interrupted', 'out of time', 'locked'] as const

function outcomesOf({ runs }: NetworkMetrics) {
  return runs.flatMap((run) => OUTCOMES.map((outcome) => ({ ...run, is: run.outcome === outcome, outcome })))
}

const OUTCOME_METRICS: Metrics<{ readonly is: boolean }> = {
  'last_run_outcome  How the last run of the table ended, 1 for that outcome. failed: `backfill log <table> --errors` says why. interrupted: it was stopped or killed; out of time: --max-runtime ended it; locked: the lock of another run did. The next `backfill up` goes on.':
    ({ is }) => Number(is),
}

type Stall = { readonly table: string; readonly reason: string; readonly seconds: number }

/** Tables of which nothing is done now: why, in the words of `status`, and for how long. */
function stallsOf({ report: { tables }, runs }: NetworkMetrics): readonly Stall[] {
  return runs.flatMap(({ table, idle }) => {
    const found = tables.find((one) => one.table === table)
    const reason = found?.standstill?.reason ?? ((found?.missingBlocks ?? 0) > 0 ? 'no run' : undefined)
    return reason === undefined ? [] : [{ table, reason, seconds: idle }]
  })
}

const STANDSTILL_METRICS: Metrics<Stall> = {
  'standstill_seconds  How long ago the table was last written to, by why it stands still. source: all is done that the sources have. incomplete: some sources lack blocks. paused: `backfill resume` goes on. load: others load the server (--max-load). disk: no room. unreachable: a run waits for the source. lock: a run is in a chunk. no run: blocks are missing, `backfill up` fills them.':
    ({ seconds }) => seconds,
}

const fill = 'look at what fills the sources. Some sources have rows of few blocks only.'

const SOURCE_METRICS: Metrics<NewestBlock> = {
  [`source_newest_block  The newest block of a source. If all stand still, ${fill}`]: ({ block }) => block,
  [`source_newest_age_seconds  How old the newest rows of a source are. If all grow, ${fill}`]: ({ age }) =>
    age,
}

/** The lines of some metrics of the same things. All are gauges, because this process counts nothing itself. */
function families<Of>(
  networks: readonly NetworkMetrics[],
  list: (network: NetworkMetrics) => readonly Of[],
  labels: Readonly<Record<string, (one: Of & { readonly network: string }) => string>>,
  metrics: Metrics<Of>,
): readonly string[] {
  const all = networks.flatMap((one) => list(one).map((item) => ({ ...item, network: one.report.network })))
  return Object.entries(metrics).flatMap(([metric, value]) => {
    const [name = '', help] = `backfill_${metric}`.split('  ')
    const samples = all.flatMap((one) => {
      const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escaped(text(one))}"`)
      const found = value(one) ?? undefined
      return found === undefined ? [] : [`${name}{${pairs.join(',')}} ${found}`]
    })
    return samples.length === 0 ? [] : [`# HELP ${name} ${help}`, `# TYPE ${name} gauge`, ...samples]
  })
}

function escaped(text: string): string {
  return text
    .replaceAll('\\', String.raw`\\`)
    .replaceAll('"', String.raw`\"`)
    .replaceAll('\n', String.raw`\n`)
}
