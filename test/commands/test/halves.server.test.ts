// Owns the promise that `backfill test` computes each test's range in one statement and in two, and that both make the same rows.
import { cpSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { backfill } from '../../support/cli.ts'
import { temporaryDirectory } from '../../support/processes.ts'
import { SQL_FOLDER } from '../../support/workspace.ts'

const numberedTest = (range: string, blocks: readonly number[]) => `description: Blocks are numbered
range: ${range}
given:
  transaction:
${blocks.map((block) => `    - { block_number: ${block} }`).join('\n')}
expect:
${blocks.map((block, n) => `  - { block_number: ${block}, n: ${n + 1} }`).join('\n')}
`

test('a test fails if its rows are right in one statement and wrong in two', async () => {
  const cwd = temporaryDirectory()
  cpSync(SQL_FOLDER, join(cwd, 'sql'), { recursive: true })
  const write = (path: string, text: string) => writeFileSync(join(cwd, 'sql', path), text)
  write(
    'transforms/numbered.sql',
    `--! description: Blocks, numbered within the range
--! target: int_numbered
--! sources: canonical_execution_transaction
--! rows: per-block

SELECT toUInt32(block) AS block_number, row_number() OVER (ORDER BY block) AS n
FROM (SELECT DISTINCT block_number AS block FROM {source:Identifier}.canonical_execution_transaction FINAL
WHERE meta_network_name = {network:String} AND block_number BETWEEN {from_block:UInt64} AND {to_block:UInt64})`,
  )
  const columns = '(block_number UInt32, n UInt64) ENGINE = ReplacingMergeTree ORDER BY block_number'
  write('ddl/numbered.sql', `CREATE TABLE IF NOT EXISTS {target:Identifier}.int_numbered ${columns}`)
  mkdirSync(join(cwd, 'sql/tests/numbered'))
  write('tests/numbered/one.yaml', numberedTest('100', [100]))
  write('tests/numbered/three.yaml', numberedTest('100-102', [100, 101, 102]))
  const { code, stdout } = await backfill(['test', 'numbered', '--sql', 'sql'], { cwd })
  expect(code).toBe(1)
  expect(stdout).toContain(`FAILED numbered/three  sql/tests/numbered/three.yaml
  Blocks are numbered
  the rows are as expected in one statement, but not in two: rows of a range must depend on that range alone (102, then 100-101)
  - expected, 1 row missing; + found, 1 row too many; 2 rows as expected
     block_number  n
  -  102           3
  +  102           1

2 tests: 1 failed, 1 passed`)
})
