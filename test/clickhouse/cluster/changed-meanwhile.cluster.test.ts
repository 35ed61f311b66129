// Owns the promises about work on a cluster of two shards while something about it has changed, or is more than one statement can say.
import { describe, expect, onTestFinished, test } from 'vitest'
import { environmentFor, startBackfill } from '../../support/cli.ts'
import { killHeld } from '../../support/held.ts'
import { temporaryDirectory } from '../../support/processes.ts'
import { type Point, type Seen, startProxy } from '../../support/proxy.ts'
import { MISSING_CLUSTER } from '../../support/real-cluster.ts'
import { intoTarget } from '../../support/requests.ts'
import { post, rowsOf, uniqueDatabase } from '../../support/server.ts'
import { CLUSTER } from '../../support/shards.ts'
import { addBlocks } from '../../support/small-chain.ts'
import { useTwoShards } from '../../support/two-shards.ts'

if (MISSING_CLUSTER) console.warn(MISSING_CLUSTER)

const PER_KEY = 'address_storage_slot_last_access'
const PER_BLOCK = 'block_slots_stat'
/** More separate ranges than one DELETE takes (targets/delete-ranges.ts). */
const RANGES = 1_001

describe.skipIf(MISSING_CLUSTER)('on two shards', () => {
  const scene = useTwoShards()
  const { run } = scene

  /** Kills a run at the first such request; what was on the way arrives. */
  async function killedAt(matches: (seen: Seen) => boolean, point: Point, words: readonly string[]) {
    const proxy = await startProxy(scene.first.url)
    onTestFinished(() => proxy.close())
    const env = {
      ...environmentFor({ ...scene.first, url: proxy.url }, scene.places),
      BACKFILL_CLUSTER: CLUSTER,
      BACKFILL_LAG: '0',
    }
    const held = await killHeld(proxy, [words[0]!, matches, point], () =>
      startBackfill(words, { env, cwd: temporaryDirectory() }),
    )
    await held.release()
  }

  test('a rebuild that was killed, and whose sharding key has changed since, begins anew, and each key is on one shard', async () => {
    expect(await run(`up --tables ${PER_KEY} --to 12`)).toMatchObject({ code: 0 })
    const { target } = scene.places
    const words = ['rebuild', PER_KEY, '--chunk', '4', '--jobs', '1', '--drop-old', '--yes']
    await killedAt(intoTarget(PER_KEY, 5), 'answer', words)
    const [begun] = await rowsOf<{ name: string }>(
      scene.first,
      `SELECT name FROM system.tables WHERE database = {target:String} AND engine = 'Distributed' AND name LIKE '%\\_\\_rebuild\\_%'`,
      { target },
    )
    const name = `${target}.${begun!.name}`
    await post(scene.first, `DROP TABLE ${name} ON CLUSTER '{cluster}' SYNC`)
    await post(
      scene.first,
      `CREATE TABLE ${name} ON CLUSTER '{cluster}' AS ${name}_local
        ENGINE = Distributed('{cluster}', '${target}', '${begun!.name}_local', cityHash64(address, 1))`,
    )
    const again = await run(words.join(' '))
    expect(again, again.stderr).toMatchObject({
      code: 0,
      stderr: expect.stringContaining(
        'its rows are on other shards than those on which its sharding key puts them now',
      ),
    })
    const [rows] = await rowsOf<object>(
      scene.first,
      `SELECT count() = uniqExact(address, slot_key) AS once, count() > 0 AS some FROM ${target}.int_${PER_KEY} FINAL`,
    )
    expect(rows).toEqual({ once: 1, some: 1 })
  })

  test(`${RANGES} separate ranges are deleted by two statements`, async () => {
    const source = uniqueDatabase('long')
    const { source: before } = scene.places
    scene.places = { ...scene.places, source }
    const nodes = [scene.first, scene.second]
    for (const node of nodes) {
      await post(node, `CREATE DATABASE ${source}`)
      for (const table of ['storage_diffs', 'transaction'].map((one) => `canonical_execution_${one}`))
        await post(node, `CREATE TABLE ${source}.${table} AS ${before}.${table}`)
      await addBlocks(node, source, { from: 1, to: 2 * RANGES, tables: ['storage_diffs', 'transaction'] })
    }
    expect(await run(`up --tables ${PER_BLOCK}`)).toMatchObject({ code: 0 })
    // As if a redo of every other block had been killed when it had said what it takes out.
    await post(
      scene.first,
      `INSERT INTO ${scene.places.ledger}.ledger
        WITH arrayJoin(range(2, ${2 * RANGES + 1}, 2)) AS block
        SELECT * REPLACE ('invalidated' AS event, block AS range_from, block AS range_to, seq + block AS seq)
        FROM (SELECT * FROM ${scene.places.ledger}.ledger ORDER BY epoch DESC, seq DESC LIMIT 1)
        SETTINGS insert_quorum = 1`,
    )
    // They are deleted before the first of them is built; to build them all takes minutes, and shows nothing more.
    await killedAt(intoTarget(PER_BLOCK, 2), 'request', ['up', '--tables', PER_BLOCK, '--jobs', '1'])
    await post(scene.first, 'SYSTEM FLUSH LOGS query_log')
    const [sent] = await rowsOf<object>(
      scene.first,
      `SELECT toUInt32(count()) AS deletes FROM system.query_log
        WHERE type = 'QueryFinish' AND is_initial_query AND query LIKE 'DELETE FROM %${scene.places.target}%ON CLUSTER%'`,
    )
    expect(sent).toEqual({ deletes: 2 })
    const [rows] = await rowsOf<object>(
      scene.first,
      `SELECT toUInt32(count()) AS rows, min(block_number % 2) = 1 AS odd FROM ${scene.places.target}.int_${PER_BLOCK} WHERE block_number != 2`,
    )
    expect(rows).toEqual({ rows: RANGES, odd: 1 })
  })
})
