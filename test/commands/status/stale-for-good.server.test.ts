// Owns the promise about stale ranges that nobody can build again: every screen says so, and `--check` may take so many as they are.
import { beforeEach, expect, test } from 'vitest'
import { chainScene } from '../../support/chain-scene.ts'
import { editedFolder } from '../../support/edited-folder.ts'
import { post } from '../../support/server.ts'

const TABLE = 'block_slots_stat'
const { catalogue, server, databases, run: runAll } = await chainScene()
/** A run has done blocks 1-20; then the sources lost 1-8, and the SQL was edited. */
beforeEach(async () => {
  await runAll(`up --tables ${TABLE}`)
  for (const { table } of catalogue.sources)
    await post(server(), `DELETE FROM {source:Identifier}.${table} WHERE block_number < 9`, databases())
  folder = editedFolder(`transforms/${TABLE}.sql`, (text) =>
    text.replace('\nSELECT', '\nSELECT /* */ DISTINCT'),
  )
})
let folder: string
const run = (words: string) => runAll(`${words} --sql ${folder}`)

test('ranges whose sources were pruned stay stale: --check is 4 until --max-lost takes them, and no command is named that would refuse', async () => {
  const check = (more = '') => run(`status ${TABLE} --check${more}`)
  expect((await check()).stderr).toBe(
    `status --check: mainnet: exit 4: ${TABLE}: stale 9-20 (12 blocks); ${TABLE}: stale 1-8 (8 blocks), which cannot be built again (--max-lost)\n`,
  )
  // What can be built again is no loss.
  expect((await check(' --max-lost 8')).code).toBe(4)
  expect((await run(`redo ${TABLE} --stale --yes`)).code).toBe(0)
  expect((await check()).code).toBe(4)
  expect((await check(' --max-lost 7')).code).toBe(4)
  const taken = await check(' --max-lost 8')
  expect(taken).toMatchObject({ code: 0, stderr: '' })
  expect(taken.stdout).toContain('blocks 1-8 stay stale: what the table reads begins at block 9 now')
  expect(taken.stdout).not.toContain('backfill redo')
  const waited = await run(`wait ${TABLE} --to 20 --timeout 0s --quiet`)
  expect(waited).toMatchObject({ code: 3 })
  expect(waited.stdout).toBe(
    `${TABLE}  stale 1-8 (8 blocks): cannot be built again, for what the table reads begins at block 9 now\n`,
  )
})
