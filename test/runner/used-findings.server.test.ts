// Owns the promise that a run uses for an hour what the run before found missing from the sources, and keeps only what is new.
import { isDeepStrictEqual } from 'node:util'
import { expect, test } from 'vitest'
import type { TableDefinition } from '../../src/model/model.ts'
import { readCatalogue } from '../../src/project/sql-folder.ts'
import type { RunEvent } from '../../src/runner/events.ts'
import { up } from '../../src/runner/up.ts'
import { TABLE, useGappedSources, watchedSource } from '../support/gapped-sources.ts'
import { post, rowsOf } from '../support/server.ts'
import { createSourceTables } from '../support/small-chain.ts'
import { openTestWorkspace, OPTIONS, SQL_FOLDER } from '../support/workspace.ts'

const scene = useGappedSources()
const { add, sql, keptRows } = scene

/** A run, what it reported of blocks that it left out, what it probed, and the tables whose transforms it described. */
async function run(workspace = scene.place.workspace) {
  const { ports } = workspace
  const described: string[] = []
  const { source: watched, probed } = watchedSource(ports)
  const events: RunEvent[] = []
  const counted = {
    ...workspace,
    ports: {
      ...ports,
      source: watched,
      executor: {
        ...ports.executor,
        describe: (table: TableDefinition) => {
          described.push(table.key)
          return ports.executor.describe(table)
        },
      },
    },
  }
  const report = (event: RunEvent) => void events.push(event)
  const { blocks } = await up(counted, OPTIONS, { report, signal: new AbortController().signal })
  return { probed, described, blocks, skipped: events.filter(({ type }) => type === 'skipped') }
}

test('a run with nothing to do past a source gap looks at no source and describes no transform, and leaves out the same blocks', async () => {
  const { skipped, ...idle } = await run()
  expect(idle).toEqual({ probed: [], described: [], blocks: 0 })
  const fresh = { ...scene.place.workspace.ports.findings, read: async () => [] }
  const looked = await run({
    ...scene.place.workspace,
    ports: { ...scene.place.workspace.ports, findings: fresh },
  })
  expect(looked.probed).not.toEqual([])
  expect(looked.skipped).toEqual(skipped)
  expect(skipped.length).toBeGreaterThan(0)
})

test('after an hour a run looks again, and keeps what it finds; until then it keeps nothing anew', async () => {
  const ages = () =>
    rowsOf<{ hours: number }>(
      scene.server,
      `SELECT dateDiff('hour', probed_at, now64(6)) AS hours FROM {ledger:Identifier}.source_probe ORDER BY hours`,
      { ledger: scene.place.ledger },
    )
  const { ledger } = scene.place
  await run()
  expect(await keptRows()).toEqual([{ rows: 1 }])
  await post(scene.server, `CREATE TABLE ${ledger}.old AS ${ledger}.source_probe`)
  await post(
    scene.server,
    `INSERT INTO ${ledger}.old SELECT * REPLACE (probed_at - INTERVAL 2 HOUR AS probed_at) FROM ${ledger}.source_probe`,
  )
  await post(scene.server, `EXCHANGE TABLES ${ledger}.old AND ${ledger}.source_probe`)
  expect(await ages()).toEqual([{ hours: 2 }])
  expect((await run()).probed).not.toEqual([])
  expect((await ages())[0]).toEqual({ hours: 0 })
  expect((await run()).probed).toEqual([])
})

test('what is new in some sources leaves what was kept of others as it was', async () => {
  const { server, source } = scene
  await createSourceTables(server, await readCatalogue(SQL_FOLDER), source, ['storage_diffs'])
  await sql('SYSTEM STOP MERGES {source:Identifier}.canonical_execution_storage_diffs')
  await add(1, 30, ['storage_diffs'])
  await add(4_900_000, 4_900_030, ['storage_diffs'])
  await add(4_900_031, 4_900_033, ['storage_diffs', 'transaction'])
  const both = await openTestWorkspace({ server, source, tables: [TABLE, 'block_slots_stat'] })
  const kept = () =>
    rowsOf<{ sources: string; probed_at: string }>(
      scene.server,
      'SELECT sources, toString(max(probed_at)) AS probed_at FROM {ledger:Identifier}.source_probe GROUP BY sources',
      { ledger: both.ledger },
    )
  try {
    await both.up()
    const before = await kept()
    expect(before).toHaveLength(2)
    await add(4_900_033, 4_900_033, ['traces'])
    await both.up()
    const after = await kept()
    const same = before.filter((row) => after.some((now) => isDeepStrictEqual(now, row)))
    expect(same.map(({ sources }) => sources)).toEqual([expect.stringContaining('storage_diffs')])
  } finally {
    await both.close()
  }
})
