// Owns part g: the runner's memory over a long run of small chunks.
import { readCatalogue } from '../../src/project/sql-folder.ts'
import { post, uniqueDatabase } from '../../test/support/server.ts'
import { addBlocks, createSourceTables } from '../../test/support/small-chain.ts'
import { SQL_FOLDER } from '../../test/support/workspace.ts'
import { backfill, newPlace } from '../support/backfill.ts'
import { firstBlock, NETWORK } from '../support/chain.ts'
import { median } from '../support/measure.ts'
import type { Bench, Report } from '../support/report.ts'
import { dropPlace } from '../support/statements.ts'

/** Blocks of a chunk; ten tables share each block, since the two of self-destructs share the chain. */
const CHUNK = 10
const TABLES = 10

/** Of one transaction a block: the runner's work is the same, the server's is short. */
export async function memory({ server, longRun }: Bench): Promise<Report> {
  const blocks = Math.ceil(longRun / TABLES) * CHUNK
  const place = newPlace(uniqueDatabase('bench_source'))
  await createSourceTables(server, await readCatalogue(SQL_FOLDER), place.source)
  const from = firstBlock(blocks)
  await addBlocks(server, place.source, { from, to: from + blocks - 1, network: NETWORK })
  const { rssBytes, elapsedMs } = await backfill({
    on: server,
    place,
    words: ['up', '--chunk', String(CHUNK)],
    sampleMs: 1000,
  })
  await dropPlace(server, place)
  await post(server, 'DROP DATABASE {source:Identifier} SYNC', { source: place.source })
  const quarter = (index: number) => {
    const width = Math.max(1, Math.floor(rssBytes.length / 4))
    return median(rssBytes.slice(index * width, (index + 1) * width)) / 1e6
  }
  const megabytes = [0, 1, 2, 3].map(quarter)
  return {
    title: `The runner's resident memory over ${longRun} chunks, sampled every second: medians of the quarters of the run, MB`,
    columns: ['seconds', '1st', '2nd', '3rd', '4th', 'highest', '4th / 2nd'],
    rows: [[elapsedMs / 1000, ...megabytes, Math.max(...rssBytes) / 1e6, megabytes[3]! / megabytes[1]!]],
  }
}
