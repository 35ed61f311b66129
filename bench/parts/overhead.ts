// Owns part b: a run against its own statements, sent back to back by a loop that does nothing else.
import { backfill, newPlace } from '../support/backfill.ts'
import { rangeOf } from '../support/chain.ts'
import { alternate, median, timed } from '../support/measure.ts'
import type { Bench, Report } from '../support/report.ts'
import { dropPlace, replay, statementsOf } from '../support/statements.ts'
import { kinships, withTargets } from '../support/targets.ts'

/** Chunks of one block: so many of them, of the table with the most sources but for the accesses. */
const SMALL_CHUNKS = 200
const SMALL_TABLE = 'address_diffs'

/** Of two tables that share a step one is left out: what waits in a session cannot be sent again. */
export async function overhead(bench: Bench): Promise<Report> {
  const { from, to } = rangeOf(bench.chain)
  const last = Math.min(to, from + SMALL_CHUNKS - 1)
  const small = `--tables ${SMALL_TABLE} --chunk 1 --from ${from} --to ${last}`.split(' ')
  return {
    title: `\`up --jobs 1\` against its statements alone, seconds, medians of ${bench.runs}; "idle" is \`up\` with nothing to do`,
    columns: ['case', 'chunks', 'up', 'idle', 'statements', 'overhead %', 'ms per chunk'],
    rows: [
      await compare(bench, 'tables without a shared step', [
        '--tables',
        (await kinships()).map(([one]) => one).join(),
      ]),
      await compare(bench, `${SMALL_TABLE}, chunks of 1 block`, small),
    ],
  }
}

async function compare({ server, chain, runs }: Bench, name: string, words: readonly string[]) {
  const run = (place = newPlace(chain.source)) =>
    backfill({ on: server, place, words: ['up', '--jobs', '1', ...words] })
  // The run whose statements are sent again; its locks must stay, since each statement asks for its own.
  const first = newPlace(chain.source)
  await run(first)
  const statements = await statementsOf(server, first.target)
  const times = await alternate(runs, {
    up: async () => {
      const place = newPlace(chain.source)
      const { elapsedMs } = await run(place)
      await dropPlace(server, place)
      return elapsedMs
    },
    idle: async () => (await run(first)).elapsedMs,
    bare: () =>
      withTargets(server, (target) => timed(() => replay(server, statements, first.target, target))),
  })
  await dropPlace(server, first)
  const [up, idle, bare] = [median(times.up), median(times.idle), median(times.bare)]
  const over = up - idle - bare
  const chunks = statements.length
  return [name, chunks, up / 1000, idle / 1000, bare / 1000, (100 * over) / bare, over / chunks]
}
