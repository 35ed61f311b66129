// Owns part l: what many chunks leave to the merges, which run on meanwhile: parts, rows written again, time of INSERTs.
import { setTimeout as sleep } from 'node:timers/promises'
import { post, rowsOf } from '../../test/support/server.ts'
import { backfill, newPlace, type Place } from '../support/backfill.ts'
import { median } from '../support/measure.ts'
import type { Bench, Report } from '../support/report.ts'
import type { Server } from '../support/server.ts'
import { dropPlace, statementsOf } from '../support/statements.ts'

const SAMPLE_MS = 1000

export async function merges({ server, chain, chunks }: Bench): Promise<Report> {
  const cases = [[], ...chunks.map((blocks) => ['--chunk', String(blocks)])]
  const rows = []
  for (const words of cases) {
    console.error(`  ${words.join(' ') || 'default'}`)
    rows.push([words.join(' ') || 'default', ...(await costOf(server, newPlace(chain.source), words))])
  }
  return {
    title:
      'What chunks leave to merges: `up` for all tables; until its end, and then until no merge runs; INSERT times of the first, the middle and the last third of the run',
    columns: [
      'words',
      'chunks',
      'seconds',
      'then, s',
      'most parts of a partition',
      'rows merged per row inserted',
      'merge CPU, s',
      'p95 of INSERTs, ms',
      'medians, ms',
    ],
    rows,
  }
}

async function costOf(server: Server, place: Place, words: readonly string[]) {
  await post(server, 'CREATE DATABASE {target:Identifier}', { target: place.target })
  const before = await counters(server)
  let most = 0
  const ended = new AbortController()
  const watching = (async () => {
    for (; !ended.signal.aborted; await sleep(SAMPLE_MS))
      most = Math.max(most, await mostParts(server, place))
  })()
  try {
    const { elapsedMs } = await backfill({ on: server, place, words: ['up', ...words] })
    ended.abort()
    await watching
    const began = performance.now()
    await untilMerged(server, place)
    const quietMs = performance.now() - began
    const after = await counters(server)
    const statements = (await statementsOf(server, place.target)).map(({ ms }) => ms)
    const thirds = [0, 1, 2].map((third) =>
      statements.slice((statements.length * third) / 3, (statements.length * (third + 1)) / 3),
    )
    return [
      statements.length,
      elapsedMs / 1000,
      quietMs / 1000,
      most,
      (after.merged - before.merged) / (after.inserted - before.inserted),
      (after.mergeMs - before.mergeMs) / 1000,
      thirds.map((ms) => Math.round(percentile95(ms))).join(', '),
      thirds.map((ms) => Math.round(median(ms))).join(', '),
    ]
  } finally {
    ended.abort()
    await watching
    await dropPlace(server, place)
  }
}

/** Counted by the server since its start; nothing else works on it. */
async function counters(server: Server) {
  const [row] = await rowsOf<{ inserted: number; merged: number; mergeMs: number }>(
    server,
    `SELECT sumIf(value, event = 'InsertedRows') AS inserted, sumIf(value, event = 'MergedRows') AS merged,
      sumIf(value, event = 'MergeExecuteMilliseconds') AS mergeMs FROM system.events`,
  )
  return row!
}

async function mostParts(server: Server, { target }: Place): Promise<number> {
  const [row] = await rowsOf<{ most: number }>(
    server,
    `SELECT toUInt32(max(parts)) AS most FROM (
      SELECT count() AS parts FROM system.parts WHERE database = {target:String} AND active GROUP BY table, partition_id)`,
    { target },
  )
  return row?.most ?? 0
}

/** @throws Error where merges do not end */
async function untilMerged(server: Server, { target }: Place): Promise<void> {
  for (let waited = 0; waited < MERGED_WITHIN_S; waited++) {
    const [row] = await rowsOf<{ merges: number }>(
      server,
      'SELECT toUInt32(count()) AS merges FROM system.merges WHERE database = {target:String}',
      { target },
    )
    if (row!.merges === 0) return
    await sleep(1000)
  }
  throw new Error(`merges still run after ${MERGED_WITHIN_S} s`)
}

const MERGED_WITHIN_S = 600

function percentile95(samples: readonly number[]): number {
  return samples.toSorted((a, b) => a - b)[Math.floor(samples.length * 0.95)] ?? 0
}
