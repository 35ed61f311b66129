// Owns the promise that a run over many tables ends soon after its last chunk.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { chainScene } from '../support/chain-scene.ts'
import { temporaryDirectory } from '../support/processes.ts'
import { post, rowsOf } from '../support/server.ts'
import { SQL_FOLDER } from '../support/workspace.ts'

const TABLES = 60
const { server, databases, run } = await chainScene()

test('the checkpoints of many tables are recorded by few statements, none of which is longer than a server takes', async () => {
  const sql = temporaryDirectory()
  for (const folder of ['transforms', 'ddl']) {
    mkdirSync(join(sql, folder))
    const text = readFileSync(join(SQL_FOLDER, folder, 'block_slots_stat.sql'), 'utf8')
    for (let index = 0; index < TABLES; index++) {
      // Statements name their tables: with short names it would take three hundred.
      const key = `t${index}_${'x'.repeat(130)}`
      writeFileSync(join(sql, folder, `${key}.sql`), text.replaceAll('int_block_slots_stat', `int_${key}`))
    }
  }
  expect(await run(`up --quiet --sql ${sql}`)).toMatchObject({ code: 0 })
  const { ledger } = databases()
  const [found] = await rowsOf<{ events: number }>(
    server(),
    `SELECT count() AS events FROM {ledger:Identifier}.ledger WHERE event = 'checkpoint'`,
    { ledger },
  )
  await post(server(), 'SYSTEM FLUSH LOGS query_log')
  const sent = await rowsOf<{ length: number }>(
    server(),
    `SELECT length(query) AS length FROM system.query_log
      WHERE type = 'QueryFinish' AND query LIKE concat('%', {ledger:String}, '%oldest_parts%') AND query_kind = 'Insert'`,
    { ledger },
  )
  expect(found).toEqual({ events: TABLES })
  expect(sent).toHaveLength(2)
  expect(Math.max(...sent.map(({ length }) => length))).toBeLessThan(128 * 1024)
})
