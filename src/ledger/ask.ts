// Owns the questions to the ledger that are files: sql/log/ and sql/report/. Reads only.
import { programSql } from '../package-folder.ts'
import type { LedgerPlace } from './events.ts'

/** The rows of `log/runs`; a file has the parameters `ledger`, `network` and these. @throws BackfillError `server` */
export async function askLedger<Row>(
  { server, names, network }: LedgerPlace,
  file: string,
  params: Readonly<Record<string, unknown>>,
): Promise<readonly Row[]> {
  return await server.client.rows<Row>({
    query: programSql(file),
    query_params: { ledger: names.ledger, network, ...params },
    doing: 'reading the ledger',
  })
}
