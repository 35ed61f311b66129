// Owns part i: what looking at the sources costs `status`, `plan` and `up` on a chain as long as mainnet's.
import { rowsOf, uniqueDatabase } from '../../test/support/server.ts'
import { openTestWorkspace, type TestWorkspace } from '../../test/support/workspace.ts'
import { backfill, type Run } from '../support/backfill.ts'
import { NETWORK } from '../support/chain.ts'
import { checkpointAll, recordDone } from '../support/full-ledger.ts'
import { alternate, median } from '../support/measure.ts'
import type { Bench, Report } from '../support/report.ts'
import { dropPlace } from '../support/statements.ts'
import { thinChain } from '../support/thin-chain.ts'

const CHUNK = 100_000
const GAP = 18_000_000
/** How long `up` may take for its first chunk. */
const FIRST = '20s'
/** Blocks on both sides of the source gap. */
const BESIDE = 3000

export async function looks({ server, runs, longChain }: Bench): Promise<Report> {
  const long = 'bench_thin'
  const gap = 'bench_gap'
  await thinChain(server, long, [{ from: 1, to: longChain }])
  await thinChain(server, gap, [
    { from: 1, to: BESIDE },
    { from: BESIDE + GAP + 1, to: BESIDE + GAP + BESIDE },
  ])
  const rows: (readonly [string, string, number, number])[] = []
  const note = (name: string, command: string, all: readonly Run[]) =>
    rows.push([
      name,
      command,
      median(all.map(({ elapsedMs }) => elapsedMs)) / 1000,
      Math.round(median(all.map(({ rssBytes }) => Math.max(...rssBytes))) / 1e6),
    ])

  async function look(name: string, place: TestWorkspace, ...commands: readonly string[]): Promise<void> {
    const works = commands.map(
      (words) =>
        [words, () => backfill({ on: server, place, words: words.split(' '), sampleMs: 20 })] as const,
    )
    for (const [, work] of works) await work() // warms caches up; not counted
    const found = await alternate(runs, Object.fromEntries(works))
    for (const [words, all] of Object.entries(found)) note(name, words, all)
  }

  /** A workspace whose blocks up to `head` are done. */
  async function at(source: string, head: number, work: (place: TestWorkspace) => Promise<void>) {
    const place = await openTestWorkspace({
      server,
      source,
      network: NETWORK,
      target: uniqueDatabase('bench_target'),
      ledger: uniqueDatabase('bench_ledger'),
    })
    try {
      await checkpointAll(place, await recordDone(server, place, { head, chunk: CHUNK }))
      await work(place)
    } finally {
      await place.close()
      await dropPlace(server, place)
    }
  }

  await at(long, 0, async (place) => {
    await look('before', place, 'status', 'plan')
    const [{ now }] = (await rowsOf<{ now: string }>(server, 'SELECT toString(now64(6)) AS now')) as [
      { now: string },
    ]
    const run = await backfill({ on: server, place, words: ['up', '--max-runtime', FIRST], sampleMs: 20 })
    const [{ s, chunks }] = (await rowsOf<{ s: number; chunks: number }>(
      server,
      `SELECT dateDiff('millisecond', toDateTime64({now:String}, 6), min(event_time)) / 1000 AS s, toUInt32(count()) AS chunks
       FROM {ledger:Identifier}.ledger WHERE event = 'done'`,
      { now, ledger: place.ledger },
    )) as [{ s: number; chunks: number }]
    if (chunks === 0) throw new Error(`no chunk was done within ${FIRST}`)
    rows.push(['before', 'up: first chunk done', s, Math.round(Math.max(...run.rssBytes) / 1e6)])
    await look('after the first chunks', place, 'status', 'plan')
  })
  await at(long, longChain / 2, (place) => look('half of it done', place, 'status', 'plan'))
  await at(long, longChain, (place) => look('all of it done', place, 'status', 'plan'))
  await at(gap, BESIDE, async (place) => {
    await backfill({ on: server, place, words: ['up'] })
    await look(`past a source gap of ${GAP} blocks, nothing to do`, place, 'up', 'status')
  })
  return {
    title: `${longChain} blocks with a row in every source, medians of ${runs}`,
    columns: ['when', 'command', 's', 'peak MB'],
    rows,
  }
}
