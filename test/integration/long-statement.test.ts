// Owns the promise that a long statement survives proxies that cut idle connections.
import { expect, test } from 'vitest'
import { readCatalogue } from '../../src/files/sql-folder.ts'
import { startIdleProxy } from '../support/idle-proxy.ts'
import { rowsOf, startTestServer, uniqueDatabase } from '../support/server.ts'
import { addBlocks, createSourceTables } from '../support/small-chain.ts'
import { openTestWorld, SQL_FOLDER } from '../support/world.ts'

const TABLE = 'block_slots_stat'

/** BACKFILL_TEST_LONG_SECONDS=600 BACKFILL_TEST_IDLE_SECONDS=60 is the case by hand; the default keeps the suite short. */
const SECONDS = Number(process.env['BACKFILL_TEST_LONG_SECONDS'] ?? 26)
const IDLE_SECONDS = Number(process.env['BACKFILL_TEST_IDLE_SECONDS'] ?? 12)

test(
  `a statement of ${SECONDS} s through a proxy that cuts connections idle for ${IDLE_SECONDS} s ends done, at the first try`,
  { timeout: (SECONDS + 200) * 1000 },
  async () => {
    const server = await startTestServer()
    const proxy = await startIdleProxy(server.url, IDLE_SECONDS * 1000)
    try {
      const catalogue = await readCatalogue(SQL_FOLDER)
      const source = uniqueDatabase('source')
      await createSourceTables(server, catalogue, source)
      await addBlocks(server, source, { from: 1, to: SECONDS })
      const slow = catalogue.tables.map((table) =>
        table.key === TABLE
          ? {
              ...table,
              // One row a second, one row a block of the pipeline: the server sends nothing but progress meanwhile.
              settings: {
                ...table.settings,
                function_sleep_max_microseconds_per_block: '0',
                max_block_size: '1',
              },
              transform: {
                ...table.transform,
                text: `SELECT * FROM (${table.transform.text}\n) WHERE sleepEachRow(1) = 0`,
              },
            }
          : table,
      )
      const world = await openTestWorld({
        server: { ...server, url: proxy.url },
        source,
        tables: [TABLE],
        catalogue: { ...catalogue, tables: slow },
      })
      const ticker = setInterval(() => console.log(JSON.stringify(world.events.slice(-3)), proxy.cut()), 5000); setTimeout(async () => console.log(await rowsOf(server, 'select elapsed, read_rows, written_rows, substring(query,1,60) q from system.processes')), 15000)
      const summary = await world.up().finally(() => clearInterval(ticker))
      console.log(await rowsOf(server, `select type, query_id, exception_code, substring(exception,1,200) e, written_rows, query_duration_ms, event_time from system.query_log where query_id like 'backfill-%' order by event_time_microseconds`)); await world.close()
      expect(summary).toMatchObject({ failed: [], chunks: 1, blocks: SECONDS })
      expect(summary.elapsedMs).toBeGreaterThan(SECONDS * 900)
      expect(world.events.filter(({ type }) => type === 'chunk-failed')).toEqual([])
      const rows = await rowsOf(server, `SELECT count() AS rows FROM {target:Identifier}.int_${TABLE}`, {
        target: world.target,
      })
      expect(rows).toEqual([{ rows: SECONDS }])
    } finally {
      await proxy.close()
      await server.stop()
    }
  },
)
