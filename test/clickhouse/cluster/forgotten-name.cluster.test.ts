// Owns what happens on a cluster where somebody forgot to name it: no table is made on one node alone, and one that is there is not passed over.
import { describe, expect, test } from 'vitest'
import { backfillHere, environmentFor } from '../../support/cli.ts'
import { MISSING_CLUSTER } from '../../support/real-cluster.ts'
import { post, rowsOf } from '../../support/server.ts'
import { useTwoShards } from '../../support/two-shards.ts'

if (MISSING_CLUSTER) console.warn(MISSING_CLUSTER)

const TABLE = 'block_slots_stat'
const OTHER = 'address_reads'

describe.skipIf(MISSING_CLUSTER)('a cluster with a ledger', () => {
  const scene = useTwoShards()

  test('gets no table from a run that does not name it', async () => {
    const { first, places, run } = scene
    expect(await run(`up --tables ${TABLE}`)).toMatchObject({ code: 0 })
    const alone = await backfillHere(['up', '--tables', OTHER], { env: environmentFor(first, places) })
    expect(alone).toMatchObject({ code: 2, stderr: expect.stringContaining('are those of a cluster') })
    const made = `SELECT name FROM system.tables WHERE database = '${places.target}' AND name = 'int_${OTHER}'`
    expect(await rowsOf(first, made)).toEqual([])
  })

  test('gets no Distributed table where a node has another table of its name, until that is dropped as the hint says', async () => {
    const { first, second, places, run } = scene
    expect(await run(`up --tables ${TABLE}`)).toMatchObject({ code: 0 })
    await post(
      first,
      `CREATE TABLE ${places.target}.int_${OTHER} (address String) ENGINE = MergeTree ORDER BY address`,
    )
    const refused = await run(`up --tables ${OTHER}`, second)
    expect(refused).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('is a MergeTree on replica 1 of shard 1'),
    })
    await post(first, /Type (DROP TABLE .*?) there/.exec(refused.stderr)![1]!)
    expect(await run(`up --tables ${OTHER}`, second)).toMatchObject({ code: 0 })
  })
})
