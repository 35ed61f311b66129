// Owns part k: how long a reader waits for a block, from its last source row to its last derived row, with `up` by cron.
import { setTimeout as sleep } from 'node:timers/promises'
import { readCatalogue } from '../../src/project/sql-folder.ts'
import { post, rowsOf, uniqueDatabase } from '../../test/support/server.ts'
import { SQL_FOLDER } from '../../test/support/workspace.ts'
import { backfill, newPlace, type Place } from '../support/backfill.ts'
import { rangeOf } from '../support/chain.ts'
import type { Bench, Report } from '../support/report.ts'
import type { Server } from '../support/server.ts'
import { dropPlace } from '../support/statements.ts'

/** A slot of Ethereum, and the shortest interval of cron. */
const BLOCK_EVERY_MS = 12_000
const TICK_EVERY_MS = 60_000

export async function freshness({ server, chain, liveMinutes }: Bench): Promise<Report> {
  const live = uniqueDatabase('bench_live')
  const place = newPlace(live)
  const { from, to } = rangeOf(chain)
  const blocks = Math.round((liveMinutes * TICK_EVERY_MS) / BLOCK_EVERY_MS)
  if (blocks >= chain.blocks) throw new Error(`${liveMinutes} minutes need more than ${blocks} blocks`)
  const first = to - blocks + 1
  try {
    const arrive = await emptySources(server, chain.source, live)
    await arrive(from, first - 1)
    await backfill({ on: server, place, words: ['up'] })
    const ticking = new AbortController()
    const ticks = tick(server, place, ticking.signal)
    const began = performance.now()
    for (let block = first; block <= to; block++) {
      await sleep(Math.max(0, began + (block - first) * BLOCK_EVERY_MS - performance.now()))
      await arrive(block, block)
      await post(server, 'INSERT INTO {live:Identifier}.arrived (block) VALUES ({block:UInt64})', {
        live,
        block,
      })
    }
    ticking.abort()
    const runs = await ticks
    const [row] = await rowsOf<Found>(server, WAITS, { live, ledger: place.ledger })
    const { p50, p99, worst, readable } = row!
    return {
      title: `Seconds from the last source row of a block to the last row of all tables, \`up\` every minute, ${blocks} blocks, lag 0; \`up\` itself took at most ${(Math.max(...runs) / 1000).toFixed(1)} s`,
      columns: ['blocks readable', 'p50', 'p99', 'worst'],
      rows: [[`${readable} of ${blocks}`, p50, p99, worst]],
    }
  } finally {
    await dropPlace(server, place)
    await dropPlace(server, { ...place, target: live })
  }
}

type Found = {
  readonly readable: number
  readonly p50: number
  readonly p99: number
  readonly worst: number
}

/** A block is readable when the last table that can have it records it as done: some tables begin or end at a fork. */
const WAITS = `WITH
  waits AS (
    SELECT block, dateDiff('millisecond', any(arrived.at), max(done.event_time)) / 1000 AS waited
    FROM {live:Identifier}.arrived
    INNER JOIN (
      SELECT table_key, range_from, range_to, min(event_time) AS event_time FROM {ledger:Identifier}.ledger
      WHERE event = 'done' GROUP BY table_key, range_from, range_to
    ) AS done ON done.range_from <= block AND done.range_to >= block
    GROUP BY block
  )
SELECT toUInt32(count()) AS readable, quantileExact(0.5)(waited) AS p50, quantileExact(0.99)(waited) AS p99, max(waited) AS worst FROM waits`

/** Makes the source tables, empty, and hands back what lets the rows of blocks arrive, one source after the other. */
async function emptySources(server: Server, source: string, live: string) {
  await post(server, 'CREATE DATABASE {live:Identifier}', { live })
  await post(
    server,
    "CREATE TABLE {live:Identifier}.arrived (block UInt64, at DateTime64(6, 'UTC') DEFAULT now64(6)) ENGINE = MergeTree ORDER BY block",
    { live },
  )
  const { sources } = await readCatalogue(SQL_FOLDER)
  for (const { ddl } of sources) await post(server, ddl.text, { source: live })
  return async (from: number, to: number) => {
    for (const { table } of sources)
      await post(
        server,
        `INSERT INTO {live:Identifier}.{table:Identifier}
         SELECT * FROM {source:Identifier}.{table:Identifier} WHERE block_number BETWEEN {from:UInt64} AND {to:UInt64}`,
        { live, source, table, from, to },
      )
  }
}

/** `up` at each minute, as cron does it; once more after the end. Resolves to the runs' times in ms. */
async function tick(server: Server, place: Place, signal: AbortSignal): Promise<readonly number[]> {
  const runs: number[] = []
  const began = performance.now()
  const run = async () => void runs.push((await backfill({ on: server, place, words: ['up'] })).elapsedMs)
  for (let minute = 1; !signal.aborted; minute++) {
    await sleep(Math.max(0, began + minute * TICK_EVERY_MS - performance.now()))
    await run()
  }
  return runs
}
