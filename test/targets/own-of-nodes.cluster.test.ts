// Owns the promise that a transform is warned of whose join each shard would compute with other rows; and that what is said helps.
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { temporaryDirectory } from '../support/processes.ts'
import { MISSING_CLUSTER } from '../support/real-cluster.ts'
import { post, rowsOf } from '../support/server.ts'
import { useTwoShards } from '../support/two-shards.ts'

if (MISSING_CLUSTER) console.warn(MISSING_CLUSTER)

const DDL = `--! shard: block_number
CREATE TABLE IF NOT EXISTS {target:Identifier}.int_named (block_number UInt32 COMMENT 'Block', label String COMMENT 'Its name')
ENGINE = ReplacingMergeTree ORDER BY block_number COMMENT 'Blocks that have a name'`

const transform = (joined: string) => `--! description: Blocks that have a name
--! target: int_named
--! after: block_slots_stat
--! lookup: names
--! rows: per-block
SELECT toUInt32(slots.block_number) AS block_number, label FROM {target:Identifier}.int_block_slots_stat AS slots FINAL
${joined} (SELECT block, label FROM {source:Identifier}.names) AS names ON names.block = slots.block_number
WHERE slots.block_number BETWEEN {from_block:UInt64} AND {to_block:UInt64}`

function write(folder: string, path: string, text: string): void {
  mkdirSync(dirname(join(folder, path)), { recursive: true })
  writeFileSync(join(folder, path), text)
}

describe.skipIf(MISSING_CLUSTER)('a look-up of which only one of two shards has rows', () => {
  const scene = useTwoShards()

  test('is warned of where it is joined with a derived table, and with GLOBAL all shards take its rows', async () => {
    const { first, second, places, run } = scene
    const folder = temporaryDirectory()
    const source =
      'CREATE TABLE IF NOT EXISTS {source:Identifier}.names (block UInt32, label String) ENGINE = MergeTree ORDER BY block'
    write(folder, 'source/names.sql', `--! block-coverage: sparse\n${source}`)
    write(folder, 'ddl/named.sql', DDL)
    write(folder, 'transforms/named.sql', transform('INNER JOIN'))
    for (const node of [first, second]) await post(node, source, { source: places.source })
    await post(first, `INSERT INTO ${places.source}.names SELECT number, 'x' FROM numbers(1, 20)`)
    const folders = `--sql xatu,${folder}`
    const words = `--tables block_slots_stat,named ${folders}`
    const warning = `each node has rows of its own in ${places.source}.names (20, 0)`
    expect((await run(`check ${words}`)).stdout).toContain(`W082 source-kept-apart: ${warning}`)
    expect((await run(`up ${words} --to 10`)).stderr).toContain(warning)
    write(folder, 'transforms/named.sql', transform('GLOBAL INNER JOIN'))
    const built = await run(`redo named ${folders} --stale --yes`)
    expect(built).toMatchObject({ code: 0, stderr: expect.not.stringContaining(warning) })
    expect(await rowsOf(first, `SELECT count() AS rows FROM ${places.target}.int_named FINAL`)).toEqual([
      { rows: 10 },
    ])
  })
})
