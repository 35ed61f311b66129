// Owns chains as long as mainnet's with one row a block in every source, and chains with a long source gap.
import { readCatalogue } from '../../src/project/sql-folder.ts'
import type { BlockSet } from '../../src/model/blocks.ts'
import { post, rowsOf } from '../../test/support/server.ts'
import { SQL_FOLDER } from '../../test/support/workspace.ts'
import { NETWORK } from './chain.ts'
import type { Server } from './server.ts'

/** Blocks of an INSERT: one part for each partition of the sources. */
const STEP = 5_000_000

/** Creates the sources and fills them, unless the database has such a chain already. */
export async function thinChain(server: Server, source: string, blocks: BlockSet): Promise<void> {
  const wanted = JSON.stringify(blocks)
  const [there] = await rowsOf<{ comment: string }>(
    server,
    'SELECT comment FROM system.databases WHERE name = {source:String}',
    { source },
  )
  if (there?.comment === wanted) return
  await post(server, 'DROP DATABASE IF EXISTS {source:Identifier} SYNC', { source })
  await post(server, 'CREATE DATABASE {source:Identifier}', { source })
  for (const { table, ddl } of (await readCatalogue(SQL_FOLDER)).sources) {
    console.error(`  making ${source}.${table}`)
    await post(server, ddl.text, { source })
    for (const range of blocks)
      for (let from = range.from; from <= range.to; from = (Math.floor(from / STEP) + 1) * STEP)
        await post(
          server,
          `INSERT INTO {source:Identifier}.{table:Identifier} (meta_network_name, block_number, updated_date_time)
           SELECT {network:String}, number, toDateTime(1700000000) FROM numbers({from:UInt64}, {blocks:UInt64})
           SETTINGS max_threads = 1, max_insert_threads = 1, min_insert_block_size_rows = {blocks:UInt64}, min_insert_block_size_bytes = 0`,
          {
            source,
            table,
            network: NETWORK,
            from,
            blocks: Math.min(range.to + 1, (Math.floor(from / STEP) + 1) * STEP) - from,
          },
        )
  }
  await post(server, `ALTER DATABASE {source:Identifier} MODIFY COMMENT '${wanted}'`, { source })
}
