// Owns the promises about steps that two tables share: computed once, the same rows, and nothing lost where it cannot be.
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readCatalogue } from '../../src/project/sql-folder.ts'
import type { Catalogue } from '../../src/model/model.ts'
import { post, rowsOf, startTestServer, type TestServer, uniqueDatabase } from '../support/server.ts'
import { addBlocks, createSourceTables } from '../support/small-chain.ts'
import { differences, openTestWorkspace, type TestWorkspace, SQL_FOLDER } from '../support/workspace.ts'

const PAIR = ['address_storage_slot_first_access', 'address_storage_slot_last_access']
const ALL = [...PAIR, 'address_first_access', 'address_last_access']

let catalogue: Catalogue
let server: TestServer
let source: string
/** Each table by itself. */
let alone: string
beforeAll(async () => {
  catalogue = await readCatalogue(SQL_FOLDER)
  server = await startTestServer()
  source = uniqueDatabase('source')
  alone = uniqueDatabase('alone')
  await createSourceTables(server, catalogue, source)
  await addBlocks(server, source, { from: 1, to: 3000 })
  for (const table of ALL) await using({ target: alone, tables: [table] }, (workspace) => workspace.up())
})
afterAll(() => server?.stop())

test('two tables with a shared step read the sources of a range once, and hold the same rows as by themselves', () =>
  using({ tables: ALL }, async (workspace) => {
    const { failed, chunks } = await workspace.up({ chunkRows: 3000 })
    expect(failed).toEqual([])
    const statements = await statementsOf(workspace)
    const steps = statements.filter(({ id }) => id.endsWith('-step'))
    expect(chunks).toBeGreaterThanOrEqual(8)
    expect(steps).toHaveLength(chunks / 2)
    const readers = statements.filter(({ readsSources }) => readsSources)
    expect(readers.map(({ id }) => id).toSorted()).toEqual(steps.map(({ id }) => id).toSorted())
    expect(await differences(server, targets(ALL), { actual: workspace.target, expected: alone })).toEqual([])
  }))

test('the ledger says the same fingerprint for both, taken before the step is computed', () =>
  using({ tables: PAIR }, async (workspace) => {
    await workspace.up({ chunkRows: 4000 })
    const ranges = await rowsOf<{ tables: number; fingerprints: number }>(
      server,
      `SELECT toUInt8(uniqExact(table_key)) AS tables, toUInt8(uniqExact(source_fingerprint)) AS fingerprints
      FROM {ledger:Identifier}.ledger WHERE event = 'done' GROUP BY range_from, range_to`,
      { ledger: workspace.ledger },
    )
    expect(ranges.length).toBeGreaterThan(1)
    for (const range of ranges) expect(range).toEqual({ tables: 2, fingerprints: 1 })
  }))

test('a table by itself computes its step within its own statement', () =>
  using({ tables: PAIR.slice(0, 1) }, async (workspace) => {
    await workspace.up()
    expect((await statementsOf(workspace)).filter(({ id }) => id.endsWith('-step'))).toEqual([])
  }))

test('a table whose partners was changed by a DBA computes its own step', () =>
  using({ tables: PAIR, catalogue: changed(PAIR[1]!) }, async (workspace) => {
    await workspace.up()
    expect((await statementsOf(workspace)).filter(({ id }) => id.endsWith('-step'))).toEqual([])
    const [first, last] = targets(PAIR)
    expect(await differences(server, [first!], { actual: workspace.target, expected: alone })).toEqual([])
    expect(await differences(server, [last!], { actual: workspace.target, expected: alone })).not.toEqual([])
  }))

test('where the rows that waited are gone, the last table computes them again', () =>
  using({ tables: PAIR.slice(0, 1) }, async (workspace) => {
    await workspace.up({ to: 0 })
    const { locks, executor, target } = workspace.workspace.ports
    const [table] = workspace.workspace.chosen
    const { uuid } = (await target.identities([table!.target])).get(table!.target)!
    const lock = await locks.acquire(table!.key, () => undefined)
    const report = await executor.insert({
      table: table!,
      range: { from: 1, to: 3000 },
      targetUuid: uuid,
      queryId: `lost-${randomUUID()}`,
      lock,
      progress: true,
      stepSession: { session: `backfill-${randomUUID()}`, role: 'last' },
    })
    await lock.release()
    expect(report.rowsWritten).toBeGreaterThan(0)
    expect(
      await differences(server, targets(PAIR.slice(0, 1)), { actual: workspace.target, expected: alone }),
    ).toEqual([])
  }))

test.each(PAIR.map((broken, at) => [broken, PAIR[1 - at]!]))(
  'where %s cannot be written, its partner %s is done all the same, block for block',
  (broken, sound) =>
    using({ tables: PAIR }, async (workspace) => {
      await workspace.up({ to: 0 })
      const [refused, taken] = [broken, sound].flatMap((key) => targets([key]))
      await post(
        server,
        `ALTER TABLE {target:Identifier}.{refused:Identifier} ADD CONSTRAINT refusal CHECK block_number = 0`,
        { target: workspace.target, refused: refused! },
      )
      const { failed } = await workspace.up({ chunkRows: 3000 })
      expect(failed.map(({ table }) => table)).toEqual([broken])
      expect(await differences(server, [taken!], { actual: workspace.target, expected: alone })).toEqual([])
      const done = await rowsOf<{ key: string; blocks: number }>(
        server,
        `SELECT table_key AS key, toUInt32(sum(range_to - range_from + 1)) AS blocks
        FROM {ledger:Identifier}.ledger WHERE event = 'done' GROUP BY key`,
        { ledger: workspace.ledger },
      )
      expect(done).toEqual([{ key: sound, blocks: 3000 }])
    }),
)

async function using(
  options: Partial<Parameters<typeof openTestWorkspace>[0]>,
  use: (workspace: TestWorkspace) => Promise<unknown>,
): Promise<void> {
  const workspace = await openTestWorkspace({ server, source, ...options })
  try {
    await use(workspace)
  } finally {
    await workspace.close()
  }
}

function targets(keys: readonly string[]): string[] {
  return catalogue.tables.filter(({ key }) => keys.includes(key)).map(({ target }) => target)
}

/** The catalogue with another meaning of a table's shared step. */
function changed(key: string): Catalogue {
  const tables = catalogue.tables.map((table) => {
    if (table.key !== key) return table
    const text = table.transform.text.replace('argMax(content, position)', `'other'`)
    return { ...table, transform: { ...table.transform, text } }
  })
  return { ...catalogue, tables }
}

/** What a world's run sent to compute and to insert rows, by the server's own log. */
async function statementsOf({ target }: TestWorkspace): Promise<{ id: string; readsSources: boolean }[]> {
  await post(server, 'SYSTEM FLUSH LOGS query_log')
  return await rowsOf(
    server,
    `SELECT query_id AS id, has(databases, {source:String}) AS readsSources
    FROM system.query_log
    WHERE type = 'QueryFinish' AND query_kind IN ('Insert', 'Create') AND replaceOne(query_id, '-step', '') IN (
      SELECT query_id FROM system.query_log
      WHERE type = 'QueryFinish' AND query_kind = 'Insert' AND startsWith(query_id, 'backfill-') AND has(databases, {target:String})
    )`,
    { source, target },
  )
}
