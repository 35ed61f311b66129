// Owns part j: what one new block costs, from cron's point of view: each run finds one block more than the last one.
import { writeFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { post, rowsOf } from '../../test/support/server.ts'
import { backfill, newPlace } from '../support/backfill.ts'
import { rangeOf } from '../support/chain.ts'
import { median } from '../support/measure.ts'
import type { Bench, Report } from '../support/report.ts'
import { dropPlace } from '../support/statements.ts'
import type { Server } from '../support/server.ts'

/** Runs of one block each; the first two warm caches up and are not counted. */
const BLOCKS = 7
const NOT_COUNTED = 2

type Cost = { readonly wallMs: number; readonly runnerMs: number; readonly kinds: readonly Kind[] }
type Kind = {
  readonly kind: string
  readonly statements: number
  readonly cpuMs: number
  readonly rows: number
}

export async function oneBlock({ server, chain }: Bench): Promise<Report> {
  const place = newPlace(chain.source)
  const { to } = rangeOf(chain)
  const start = to - BLOCKS
  try {
    await backfill({ on: server, place, words: ['up', '--to', String(start)] })
    await untilQuiet(server)
    const costs: Cost[] = []
    for (let block = start + 1; block <= to; block++) costs.push(await costOf(server, place, block))
    const counted = costs.slice(NOT_COUNTED)
    const last = counted.at(-1)!
    const middle = (pick: (cost: Cost) => number) => median(counted.map(pick))
    const sum = (cost: Cost, pick: (kind: Kind) => number) =>
      cost.kinds.reduce((all, kind) => all + pick(kind), 0)
    return {
      title: `One new block, all tables: ${Math.round(middle(({ wallMs }) => wallMs))} ms and ${middle(({ runnerMs }) => runnerMs)} ms of the runner's CPU, medians of ${counted.length}; then the last run by kind of statement`,
      columns: ['statements', 'number', 'server CPU ms', 'rows read'],
      rows: [
        [
          'all',
          middle((cost) => sum(cost, ({ statements }) => statements)),
          middle((cost) => sum(cost, ({ cpuMs }) => cpuMs)),
          middle((cost) => sum(cost, ({ rows }) => rows)),
        ],
        ...last.kinds.map(({ kind, statements, cpuMs, rows }) => [kind, statements, cpuMs, rows]),
      ],
    }
  } finally {
    await dropPlace(server, place)
  }
}

async function costOf(server: Server, place: ReturnType<typeof newPlace>, block: number): Promise<Cost> {
  const [{ now }] = (await rowsOf<{ now: string }>(server, 'SELECT toString(now64(6)) AS now')) as [
    { now: string },
  ]
  const { elapsedMs, cpuMs } = await backfill({
    on: server,
    place,
    words: ['up', '--to', String(block)],
    sampleMs: 5,
  })
  await post(server, 'SYSTEM FLUSH LOGS query_log')
  if (process.env['BENCH_STATEMENTS'] !== undefined)
    await writeFile(
      process.env['BENCH_STATEMENTS'],
      (await rowsOf(server, ALL, { now })).map((row) => JSON.stringify(row)).join('\n'),
    )
  return { wallMs: elapsedMs, runnerMs: cpuMs, kinds: await rowsOf<Kind>(server, KINDS, { now }) }
}

/** Merges of the parts that the first run left would be measured, too. */
async function untilQuiet(server: Server): Promise<void> {
  for (let waited = 0; waited < QUIET_WITHIN_S; waited++) {
    const [{ merges }] = (await rowsOf<{ merges: number }>(
      server,
      'SELECT toUInt32(count()) AS merges FROM system.merges',
    )) as [{ merges: number }]
    if (merges === 0) return
    await sleep(1000)
  }
  throw new Error(`merges still run after ${QUIET_WITHIN_S} s`)
}

const QUIET_WITHIN_S = 120

const OF_RUN = `FROM system.query_log
WHERE type != 'QueryStart' AND is_initial_query AND event_time_microseconds > toDateTime64({now:String}, 6)
  AND query NOT LIKE 'SELECT toString(now64%' AND query NOT LIKE 'SYSTEM FLUSH%'`

const CPU = `(ProfileEvents['UserTimeMicroseconds'] + ProfileEvents['SystemTimeMicroseconds']) / 1000`

const KINDS = `SELECT
  concat(query_kind, ' ', arrayStringConcat(arraySort(arrayMap(name -> splitByChar('.', name)[2], tables)), ',')) AS kind,
  toUInt32(count()) AS statements, round(sum(${CPU}), 1) AS cpuMs, sum(read_rows) AS rows
${OF_RUN} GROUP BY kind ORDER BY cpuMs DESC`

const ALL = `SELECT query_start_time_microseconds AS at, query_duration_ms AS ms, ${CPU} AS cpuMs, read_rows AS rows, query_id AS id, query ${OF_RUN} ORDER BY at`
