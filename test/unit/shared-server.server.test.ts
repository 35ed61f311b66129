// Owns the promise behind the speed of the suite: test files hand their server on, and nothing of one file is seen by the next.
import { expect, test } from 'vitest'
import { post, rowsOf, startTestServer } from '../support/server.ts'

test.skipIf(process.env['BACKFILL_TEST_IMAGE'])(
  'a server that a file has stopped is the next one that is given out, empty, with nothing running and with merges',
  async () => {
    const first = await startTestServer()
    await post(first, 'CREATE DATABASE left_over')
    await post(first, 'CREATE TABLE left_over.numbers (n UInt8) ENGINE = MergeTree ORDER BY n')
    await post(first, 'CREATE TABLE default.numbers (n UInt8) ENGINE = MergeTree ORDER BY n')
    await post(first, 'SYSTEM STOP MERGES')
    const endless = post(first, 'SELECT count() FROM numbers(1000000000000) WHERE sipHash64(number) = 0')
    const ended = endless.catch((error: Error) => error.message)
    const running = `SELECT count() AS queries FROM system.processes WHERE query LIKE '%sipHash64(number)%' AND query NOT LIKE '%processes%'`
    while ((await rowsOf<{ queries: number }>(first, running))[0]!.queries === 0);
    await first.stop()
    expect(await ended).toContain('QUERY_WAS_CANCELLED')

    const next = await startTestServer()
    try {
      expect(next.url).toBe(first.url)
      expect(await rowsOf(next, running)).toEqual([{ queries: 0 }])
      expect(
        await rowsOf(
          next,
          `SELECT name FROM system.tables WHERE database NOT IN ('system', 'information_schema', 'INFORMATION_SCHEMA')
          UNION ALL SELECT name FROM system.databases WHERE name = 'left_over'`,
        ),
      ).toEqual([])
      await post(next, 'CREATE TABLE default.merged (n UInt8) ENGINE = MergeTree ORDER BY n')
      for (const n of [1, 2]) await post(next, `INSERT INTO default.merged VALUES (${n})`)
      await post(next, 'OPTIMIZE TABLE default.merged FINAL SETTINGS optimize_throw_if_noop = 1')
    } finally {
      await next.stop()
    }
  },
)
