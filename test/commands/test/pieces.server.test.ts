// Owns the promise that `backfill test` computes each test's range in one statement, in pieces and twice over, and that all make the same rows.
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

test('a test fails if its rows are right in one statement and wrong in pieces', async () => {
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
  the rows are as expected in one statement, but not in pieces: rows of a range must depend on that range alone (102, then 101, then 100)
  - expected, 2 rows missing; + found, 2 rows too many; 1 row as expected
     block_number  n
  -  101           2
  +  101           1
  -  102           3
  +  102           1

2 tests: 1 failed, 1 passed`)
})

test('a test fails if the sorting key takes rows for one that are two', async () => {
  const cwd = temporaryDirectory()
  cpSync(SQL_FOLDER, join(cwd, 'sql'), { recursive: true })
  const write = (path: string, text: string) => writeFileSync(join(cwd, 'sql', path), text)
  write(
    'transforms/senders.sql',
    `--! description: Senders of each block
--! target: int_senders
--! sources: canonical_execution_transaction
--! rows: per-block

SELECT DISTINCT toUInt32(block_number) AS block_number, from_address AS sender
FROM {source:Identifier}.canonical_execution_transaction FINAL
WHERE meta_network_name = {network:String} AND block_number BETWEEN {from_block:UInt64} AND {to_block:UInt64}`,
  )
  const columns = '(block_number UInt32, sender String) ENGINE = ReplacingMergeTree ORDER BY block_number'
  write('ddl/senders.sql', `CREATE TABLE IF NOT EXISTS {target:Identifier}.int_senders ${columns}`)
  mkdirSync(join(cwd, 'sql/tests/senders'))
  write(
    'tests/senders/two.yaml',
    `description: Two accounts send in one block
range: 100
given:
  transaction:
    - { block_number: 100, transaction_index: 0, from_address: a }
    - { block_number: 100, transaction_index: 1, from_address: b }
expect:
  - { block_number: 100, sender: a }
  - { block_number: 100, sender: b }
`,
  )
  const { code, stdout } = await backfill(['test', 'senders', '--sql', 'sql'], { cwd })
  expect(code).toBe(1)
  expect(stdout).toContain('not twice over: the sorting key must tell rows apart')
  expect(stdout).toMatch(/expected, 1 row missing/)
})
