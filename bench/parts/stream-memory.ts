// Owns the memory of the published program while heavy rows cross to a target that is slow to take them.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readCatalogue } from '../../src/project/sql-folder.ts'
import { HEAVY_TABLE, writeHeavyFolder } from '../../test/support/heavy-rows.ts'
import { uniqueDatabase } from '../../test/support/server.ts'
import { addBlocks, createSourceTables } from '../../test/support/small-chain.ts'
import { startThrottle } from '../../test/support/throttle.ts'
import { SQL_FOLDER } from '../../test/support/workspace.ts'
import { backfill, buildProgram, newPlace } from '../support/backfill.ts'
import { median } from '../support/measure.ts'
import type { Report } from '../support/report.ts'
import type { Server } from '../support/server.ts'

const BLOCKS = 10

export async function streamMemory(
  { source, target }: Readonly<Record<'source' | 'target', Server>>,
  { megabytes, megabytesPerSecond }: { readonly megabytes: number; readonly megabytesPerSecond: number },
): Promise<Report> {
  buildProgram()
  const place = newPlace(uniqueDatabase('bench_source'))
  await createSourceTables(source, await readCatalogue(SQL_FOLDER), place.source)
  await addBlocks(source, place.source, { from: 1, to: BLOCKS })
  const folder = await mkdtemp(join(tmpdir(), 'backfill-bench-sql-'))
  writeHeavyFolder(folder, { megabytes, blocks: BLOCKS })
  const slow = await startThrottle(target.url, megabytesPerSecond * 1e6)
  try {
    const rows: (readonly (string | number)[])[] = []
    for (const compression of ['lz4', 'zstd', 'none']) {
      const before = slow.passed()
      const { elapsedMs, rssBytes } = await backfill({
        on: { ...target, url: slow.url },
        place: { ...newPlace(place.source) },
        words: ['up', '--sql', folder, '--tables', HEAVY_TABLE, '--compression', compression],
        sampleMs: 1000,
        env: {
          SOURCE_CLICKHOUSE_URL: source.url,
          SOURCE_CLICKHOUSE_USERNAME: source.username,
          SOURCE_CLICKHOUSE_PASSWORD: source.password,
        },
      })
      const crossed = (slow.passed() - before) / 1e6
      rows.push([
        compression,
        elapsedMs / 1000,
        crossed,
        rssBytes.length,
        median(rssBytes) / 1e6,
        Math.max(...rssBytes) / 1e6,
      ])
    }
    return {
      title: `The runner's resident memory while ${megabytes} MB of Native cross to a target that takes ${megabytesPerSecond} MB a second`,
      columns: ['compression', 'seconds', 'MB crossed', 'samples', 'median MB', 'highest MB'],
      rows,
    }
  } finally {
    await slow.close()
    await rm(folder, { recursive: true, force: true })
  }
}
