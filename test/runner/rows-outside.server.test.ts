// Owns the promise that a chunk is not done whose rows have positions outside of its range.
import { expect, test } from 'vitest'
import { catalogue } from '../support/clickhouse.ts'
import { edited } from '../support/edited.ts'
import { redoScene, TABLE } from '../support/redo-scene.ts'
import { rowsOf } from '../support/server.ts'

const { connectWorkspace, databases, query } = redoScene()

/** `b`: the block of a source row. */
const yielding = (position: string, more = '1') =>
  edited(catalogue, TABLE, {
    sql: `SELECT DISTINCT toUInt32(${position}) AS block_number, toUInt32(0) AS slots_cleared, toUInt32(${more}) AS slots_set
      FROM (SELECT block_number AS b FROM {source:Identifier}.canonical_execution_transaction
      WHERE meta_network_name = {network:String} AND block_number BETWEEN {from_block:UInt64} AND {to_block:UInt64})`,
  })

test('a chunk whose rows have positions outside of its range fails, and the file is named', async () => {
  const workspace = await connectWorkspace({ tables: [TABLE], catalogue: yielding('b + 1') })
  const { failed } = await workspace.up()
  expect(failed.map(({ error }) => error)).toMatchObject([
    {
      message: expect.stringContaining(
        `the transform of ${TABLE} yields 1 rows outside of blocks 1-12, at 13 to 13`,
      ),
      hint: expect.stringContaining(`sql/transforms/${TABLE}.sql`),
    },
  ])
})

test('several rows of a key, which become one, are looked at once in a run, and are no failure', async () => {
  const workspace = await connectWorkspace({
    tables: [TABLE],
    catalogue: yielding('b', 'arrayJoin([1, 2])'),
  })
  expect((await workspace.up({ chunk: 4 })).failed).toEqual([])
  const { server, source } = databases()
  await query('SYSTEM FLUSH LOGS')
  const looked = `SELECT count() AS n FROM system.query_log WHERE type = 'QueryFinish' AND has(databases, {source:String}) AND query LIKE '%min(position)%' AND query NOT LIKE '%query_log%'`
  expect(await rowsOf(server, looked, { source })).toEqual([{ n: 1 }])
})
