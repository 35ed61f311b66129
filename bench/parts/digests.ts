// Owns part h: what the digests of rows cost, in a long run and in a run of one block.
import { post, rowsOf } from '../../test/support/server.ts'
import { backfill, newPlace } from '../support/backfill.ts'
import { rangeOf } from '../support/chain.ts'
import type { Bench, Report } from '../support/report.ts'
import { dropPlace } from '../support/statements.ts'

type Cost = { readonly statements: number; readonly cpu: number; readonly ms: number; readonly all: number }

function row(name: string, { statements, cpu, ms, all }: Cost) {
  return [name, statements, cpu, ms, all, (100 * cpu) / all]
}

export async function digests({ server, chain }: Bench): Promise<Report> {
  const { from, to } = rangeOf(chain)
  const place = newPlace(chain.source)
  const costOf = async (first: number, last: number) => {
    await post(server, 'SYSTEM FLUSH LOGS query_log')
    const [{ now } = { now: '' }] = await rowsOf<{ now: string }>(server, 'SELECT toString(now64(6)) AS now')
    await backfill({
      on: server,
      place,
      words: ['up', '--lag', '0', '--from', String(first), '--to', String(last)],
    })
    await post(server, 'SYSTEM FLUSH LOGS query_log')
    const [cost] = await rowsOf<Cost>(
      server,
      `WITH query LIKE 'SELECT count() AS rows, toString(sum(cityHash64(%' AS is_digest,
        (ProfileEvents['UserTimeMicroseconds'] + ProfileEvents['SystemTimeMicroseconds']) / 1000 AS cpu_ms
      SELECT countIf(is_digest) AS statements, sumIf(cpu_ms, is_digest) AS cpu, sumIf(query_duration_ms, is_digest) AS ms,
        sum(cpu_ms) AS all
      FROM system.query_log
      WHERE type = 'QueryFinish' AND query_start_time_microseconds >= {now:String}`,
      { now },
    )
    return cost!
  }
  const long = await costOf(from, to - 1)
  const short = await costOf(to, to)
  await dropPlace(server, place)
  return {
    title: 'Digests of rows: CPU and time of their statements, ms, and the CPU of all statements of the run',
    columns: ['run', 'digests', 'CPU', 'time', 'CPU of all', '%'],
    rows: [row(`${chain.blocks - 1} blocks, all tables`, long), row('the next block, all tables', short)],
  }
}
