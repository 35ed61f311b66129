// Owns the proof on real blocks over two shards: Distributed sources and targets hold exactly what one server would.
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { readDigests } from '../../../src/commands/digest/command.ts'
import { readCatalogue } from '../../../src/project/sql-folder.ts'
import type { Catalogue } from '../../../src/model/model.ts'
import { environmentFor, startBackfill } from '../../support/cli.ts'
import { blocksWhere, edited } from '../../support/edited.ts'
import { outcome } from '../../support/processes.ts'
import { loadExpected, loadRealSource, MISSING_REAL_DATA } from '../../support/real-data.ts'
import { post, rowsOf, uniqueDatabase } from '../../support/server.ts'
import { CLUSTER, shardSources, shardTargets, type Shards, startShards } from '../../support/shards.ts'
import { oddities } from '../../support/verifying.ts'
import { differences, openTestWorkspace, SQL_FOLDER, type TestWorkspace } from '../../support/workspace.ts'

if (MISSING_REAL_DATA) console.warn(MISSING_REAL_DATA)

const SOURCE = uniqueDatabase('source')
/** The same rows on one server. */
const WHOLE = uniqueDatabase('whole')
const EXPECTED = uniqueDatabase('expected')

describe.skipIf(MISSING_REAL_DATA)('real blocks on two shards', () => {
  let catalogue: Catalogue
  let shards: Shards
  beforeAll(async () => {
    catalogue = await readCatalogue(SQL_FOLDER)
    shards = await startShards()
    await loadRealSource(shards[0], catalogue, WHOLE)
    await shardSources(shards, catalogue, { from: WHOLE, to: SOURCE })
    await loadExpected(shards[0], catalogue, EXPECTED)
  })
  afterAll(() => Promise.all(shards?.map((server) => server.stop()) ?? []))

  const targets = () => catalogue.tables.map(({ target }) => target)

  async function openShards(tables?: readonly string[], files = catalogue): Promise<TestWorkspace> {
    const target = uniqueDatabase('target')
    await shardTargets(shards, catalogue, target)
    const workspace = await openTestWorkspace({
      server: shards[0],
      source: SOURCE,
      target,
      cluster: CLUSTER,
      catalogue: files,
      ...(tables && { tables }),
    })
    onTestFinished(() => workspace.close())
    return workspace
  }

  async function expectExact(
    { target }: Pick<TestWorkspace, 'target'>,
    tables: readonly string[] = targets(),
  ): Promise<void> {
    expect(await differences(shards[0], tables, { actual: target, expected: EXPECTED })).toEqual([])
  }

  /** Keys that more than one shard has, and shards that have nothing, by table. */
  async function badlySpread({ target }: TestWorkspace): Promise<readonly string[]> {
    const found = await Promise.all(
      targets().map(async (table) => {
        const [local] = await rowsOf<{ key: string }>(
          shards[0],
          'SELECT sorting_key AS key FROM system.tables WHERE database = {target:String} AND name = {local:String}',
          { target, local: `${table}_local` },
        )
        const [row] = await rowsOf<{ twice: number; shards: number }>(
          shards[0],
          `SELECT countIf(length(where) > 1) AS twice, length(groupUniqArrayArray(where)) AS shards
            FROM (SELECT groupUniqArray(_shard_num) AS where FROM ${target}.${table} GROUP BY ${local!.key})`,
        )
        return row!.twice === 0 && row!.shards === 2 ? [] : [`${table}: ${JSON.stringify(row)}`]
      }),
    )
    return found.flat()
  }

  test('all eleven tables are exact after one run, each key on one shard, and verified; a second run does nothing', async () => {
    const workspace = await openShards()
    expect((await workspace.up()).failed).toEqual([])
    await expectExact(workspace)
    const every = { from: 0, to: 30_000_000, every: 1000 }
    const one = await openTestWorkspace({ server: shards[0], source: WHOLE, target: EXPECTED })
    onTestFinished(() => one.close())
    expect(await readDigests(workspace, every)).toEqual(await readDigests(one, every))
    expect(await badlySpread(workspace)).toEqual([])
    expect(await oddities(workspace)).toEqual([])
    expect(await workspace.up()).toMatchObject({ chunks: 0, blocks: 0, rowsWritten: 0, failed: [] })
  })

  test('all eleven tables are exact after a run in small chunks that was killed, and another', async () => {
    const { target, ledger } = await openShards()
    const env = {
      ...environmentFor(shards[0], { source: SOURCE, target, ledger }),
      BACKFILL_CLUSTER: CLUSTER,
    }
    const words = ['up', '--lag', '0', '--chunk', '4', '--jobs', '3', '--json']
    const killed = startBackfill(words, { env })
    let done = 0
    killed.stdout?.setEncoding('utf8').on('data', (text: string) => {
      done += text.split('"chunk-done"').length - 1
      if (done >= 8) killed.kill('SIGKILL')
    })
    expect((await outcome(killed)).code).not.toBe(0)
    const again = await outcome(startBackfill(words, { env }))
    expect(again.stderr).toBe('')
    expect(again.code).toBe(0)
    await expectExact({ target })
  })

  test('a transform that joins Distributed tables where they lie sees the rows of all shards', async () => {
    const key = 'block_slots_stat'
    // By another column than the one that both are sharded by.
    const sql = blocksWhere(`from_address IN (
      SELECT address FROM {source:Identifier}.canonical_execution_nonce_diffs WHERE meta_network_name = {network:String}
    )`)
    const workspace = await openShards([key], edited(catalogue, key, { sql }))
    const one = await openTestWorkspace({
      server: shards[0],
      source: WHOLE,
      tables: [key],
      catalogue: edited(catalogue, key, { sql }),
    })
    onTestFinished(() => one.close())
    for (const each of [workspace, one]) expect((await each.up()).failed).toEqual([])
    const content = { actual: workspace.target, expected: one.target }
    expect(await differences(shards[0], [`int_${key}`], content)).toEqual([])
    const [{ rows } = { rows: 0 }] = await rowsOf<{ rows: number }>(
      shards[0],
      `SELECT count() AS rows FROM ${workspace.target}.int_${key}`,
    )
    expect(rows).toBeGreaterThan(0)
  })

  test('the rows that are left when one shard has lost its part are not touched until they are to be recomputed', async () => {
    const workspace = await openShards(['address_diffs'])
    await workspace.up()
    const local = `${workspace.target}.int_address_diffs_local`
    const [ddl] = await rowsOf<{ statement: string }>(shards[1], `SHOW CREATE TABLE ${local}`)
    await post(shards[1], `DROP TABLE ${local} SYNC`)
    await post(shards[1], ddl!.statement)
    expect((await workspace.up()).failed).toMatchObject([
      { error: { message: expect.stringContaining('of which this ledger knows nothing') as string } },
    ])
    // Without Keeper the rows are deleted by hand, as the hint says.
    expect((await workspace.up({ recompute: ['address_diffs'] })).failed).toMatchObject([
      { error: { hint: expect.stringMatching(/^On each server: DELETE FROM/) as string } },
    ])
    for (const shard of shards) await post(shard, `DELETE FROM ${local} WHERE true`)
    const summary = await workspace.up()
    expect(summary.failed).toEqual([])
    expect(summary.chunks).toBeGreaterThan(0)
    await expectExact(workspace, ['int_address_diffs'])
  })
})
