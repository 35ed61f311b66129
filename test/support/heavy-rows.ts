// Owns a table whose rows are heavy and cannot be packed: what the runner's memory is watched with while they cross.
import { cpSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { SQL_FOLDER } from './workspace.ts'

export const HEAVY_TABLE = 'heavy'

const DDL = `CREATE TABLE IF NOT EXISTS {target:Identifier}.int_heavy
(
    block_number UInt32 COMMENT 'Block',
    payload      String COMMENT 'A thousand random bytes'
)
ENGINE = Null
COMMENT 'Heavy rows, kept by nobody'
`

/** Writes an SQL folder to `path` whose one table makes so many megabytes of a chain of `blocks` blocks. */
export function writeHeavyFolder(
  path: string,
  { megabytes, blocks }: Readonly<Record<'megabytes' | 'blocks', number>>,
): void {
  for (const folder of ['ddl', 'transforms']) mkdirSync(join(path, folder), { recursive: true })
  for (const kept of ['ledger', 'source', 'networks.json'])
    cpSync(join(SQL_FOLDER, kept), join(path, kept), { recursive: true })
  writeFileSync(join(path, `ddl/${HEAVY_TABLE}.sql`), DDL)
  writeFileSync(
    join(path, `transforms/${HEAVY_TABLE}.sql`),
    `--! description: A thousand random bytes a row
--! target: int_heavy
--! sources: canonical_execution_transaction
--! rows: per-block

SELECT toUInt32(block_number) AS block_number, randomString(1000, row) AS payload
FROM {source:Identifier}.canonical_execution_transaction
ARRAY JOIN range(${Math.ceil((megabytes * 1000) / blocks)}) AS row
WHERE meta_network_name = {network:String} AND block_number BETWEEN {from_block:UInt64} AND {to_block:UInt64}
`,
  )
}
