// Owns a person with the sound folder of test/fixtures/checks, source tables on a server, and databases of his own.
import { readCatalogue } from '../../src/project/sql-folder.ts'
import { type CheckFixture, folderOf } from './check-fixtures.ts'
import { environmentFor } from './cli.ts'
import { backfillInside } from './inside.ts'
import { post, type TestServer, uniqueDatabase } from './server.ts'
import { createSourceTables } from './small-chain.ts'

/** The source tables are empty; there is no target database yet. `sources`: their server, if it is another one. */
export async function soundScene(server: TestServer, fixture: Partial<CheckFixture> = {}, sources = server) {
  const databases = {
    source: uniqueDatabase('source'),
    target: uniqueDatabase('target'),
    ledger: uniqueDatabase('ledger'),
  }
  const folder = folderOf(fixture)
  const catalogue = await readCatalogue(folderOf())
  await createSourceTables(sources, catalogue, databases.source)
  const env = {
    ...environmentFor(server, databases),
    SOURCE_CLICKHOUSE_URL: sources.url,
    SOURCE_CLICKHOUSE_USERNAME: sources.username,
    SOURCE_CLICKHOUSE_PASSWORD: sources.password,
  }
  return {
    folder,
    databases,
    env,
    run: (...words: readonly string[]) => backfillInside([...words, '--sql', folder], env),
    /** `columns`: block_number, gas_used and updated_date_time. */
    transactions: (columns: string, from: string) =>
      post(
        sources,
        `INSERT INTO {source:Identifier}.canonical_execution_transaction (block_number, gas_used, updated_date_time, meta_network_name) SELECT ${columns}, 'mainnet' FROM ${from}`,
        { source: databases.source },
      ),
  }
}
