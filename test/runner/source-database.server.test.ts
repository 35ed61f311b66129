// Owns the promise that rows of two source databases are never mixed unnoticed.
import { expect, test } from 'vitest'
import { backfillInside } from '../support/inside.ts'
import { environmentFor } from '../support/cli.ts'
import { chainScene } from '../support/chain-scene.ts'
import { uniqueDatabase } from '../support/server.ts'
import { addBlocks, createSourceTables } from '../support/small-chain.ts'

const { catalogue, server, databases, run } = await chainScene()

test('a table whose newest blocks came from another source database is not written to, until a person says that the rows are the same', async () => {
  const other = uniqueDatabase('other')
  await createSourceTables(server(), catalogue, other)
  await addBlocks(server(), other, { from: 1, to: 25 })
  const elsewhere = (words: string) =>
    backfillInside(words.split(' '), {
      ...environmentFor(server(), { ...databases(), source: other }),
      BACKFILL_LAG: '0',
    })
  const { source } = databases()
  expect(await run('up block_slots_stat')).toMatchObject({ code: 0 })
  const refused = await elsewhere('up block_slots_stat')
  expect(refused.code, refused.stderr).toBe(2)
  expect(refused.stderr).toContain(
    `blocks 1-20 of block_slots_stat were computed from the source database '${source}', and SOURCE_CLICKHOUSE_DATABASE is '${other}'`,
  )
  expect((await elsewhere('status block_slots_stat')).stdout).toContain(
    `computed from the source database '${source}', and SOURCE_CLICKHOUSE_DATABASE is '${other}'`,
  )
  const planned = await elsewhere('plan block_slots_stat')
  expect(planned.stdout).toContain(`were computed from the source database '${source}'`)
  expect(planned.stdout).not.toContain('will run 1 chunk')
  expect((await run('status --json block_slots_stat')).stdout).toMatch(/"done_blocks": ?20\b/)

  const [, typed] = /run backfill (up --new-source) once/.exec(refused.stderr) ?? []
  expect(await elsewhere(`${typed} block_slots_stat`)).toMatchObject({ code: 0 })
  expect(await elsewhere('up block_slots_stat')).toMatchObject({ code: 0 })
  expect(await elsewhere('verify block_slots_stat')).toMatchObject({ code: 0 })
  // And the other way: back in the first one.
  await addBlocks(server(), source, { from: 21, to: 30 })
  expect((await run('up block_slots_stat')).code).toBe(2)
})
