// Owns the promises about where rows of a cluster are: a key on one shard, whatever changes, the same table on all nodes, and no source
// rows that a row policy of another node hides in silence.
import { describe, expect, test } from 'vitest'
import { readCatalogue } from '../../../src/project/sql-folder.ts'
import { editedFolder } from '../../support/edited-folder.ts'
import { MISSING_CLUSTER } from '../../support/real-cluster.ts'
import { useTwoShards } from '../../support/two-shards.ts'
import { post, rowsOf, uniqueDatabase } from '../../support/server.ts'
import { CLUSTER } from '../../support/shards.ts'
import { createSourceTables, SLOT_SOURCES } from '../../support/small-chain.ts'
import { SQL_FOLDER } from '../../support/workspace.ts'

if (MISSING_CLUSTER) console.warn(MISSING_CLUSTER)

const PER_KEY = 'address_storage_slot_last_access'
const PER_BLOCK = 'block_slots_stat'
const PLAIN = uniqueDatabase('plain')

/** Sees not all rows behind the Distributed sources. */
const FEW = `<few><password>few</password><profile>default</profile><quota>default</quota>
  <databases><${PLAIN}><canonical_execution_storage_diffs><filter>block_number > 5</filter></canonical_execution_storage_diffs></${PLAIN}></databases></few>`

describe.skipIf(MISSING_CLUSTER)('rows on two shards', () => {
  const scene = useTwoShards({ users: FEW })
  const { run } = scene
  /** The Distributed table anew, with another key, where the statement says. */
  async function resharded(
    key: string,
    sharding: string,
    where = ` ON CLUSTER '{cluster}'`,
    local = `int_${key}_local`,
  ) {
    const name = `${scene.places.target}.int_${key}`
    await post(scene.first, `DROP TABLE ${name}${where} SYNC`)
    await post(
      scene.first,
      `CREATE TABLE ${name}${where} AS ${scene.places.target}.int_${key}_local
        ENGINE = Distributed('{cluster}', '${scene.places.target}', '${local}', ${sharding})`,
    )
  }

  test('a table with a row per key whose sharding key changed is not written to, until a rebuild has moved its rows', async () => {
    expect(await run(`up --tables ${PER_KEY} --to 12`)).toMatchObject({ code: 0 })
    await resharded(PER_KEY, 'cityHash64(address, 1)')
    const refused = await run(`up --tables ${PER_KEY}`)
    expect(refused).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('has rows on other shards than'),
    })
    expect(await run(`status --check --tables ${PER_KEY}`)).toMatchObject({ code: 3 })
    expect(await run(`adopt ${PER_KEY}`)).not.toMatchObject({ code: 0 })
    expect(await run(`rebuild ${PER_KEY} --drop-old --yes`)).toMatchObject({ code: 0 })
    expect(await run(`up --tables ${PER_KEY}`)).toMatchObject({ code: 0 })
    const [rows] = await rowsOf<object>(
      scene.first,
      `SELECT count() = uniqExact(address, slot_key) AS once, count() > 0 AS some FROM ${scene.places.target}.int_${PER_KEY} FINAL`,
    )
    expect(rows).toEqual({ once: 1, some: 1 })
  })

  test('half-written blocks whose rows would go to other shards now are deleted before they are written again', async () => {
    expect(await run(`up --tables ${PER_BLOCK} --to 12`)).toMatchObject({ code: 0 })
    // As if the run had been killed after its INSERT.
    await post(
      scene.first,
      `ALTER TABLE ${scene.places.ledger}.ledger ON CLUSTER '{cluster}' DELETE WHERE event IN ('done', 'checkpoint') SETTINGS mutations_sync = 2`,
    )
    await resharded(PER_BLOCK, 'toUInt32(block_number + 1)')
    const again = await run(`up --tables ${PER_BLOCK} --to 12`)
    expect(again).toMatchObject({ code: 0, stderr: expect.stringContaining('has deleted the half-written') })
    const [rows] = await rowsOf<object>(
      scene.first,
      `SELECT count() AS rows, uniqExact(block_number) AS blocks FROM ${scene.places.target}.int_${PER_BLOCK} FINAL`,
    )
    expect(rows).toEqual({ rows: 12, blocks: 12 })
  })

  test('a table that is another one on another node is not written to, and the node is named', async () => {
    expect(await run(`up --tables ${PER_BLOCK} --to 12`)).toMatchObject({ code: 0 })
    for (const node of [scene.first, scene.second])
      await post(
        node,
        `CREATE TABLE ${scene.places.target}.elsewhere AS ${scene.places.target}.int_${PER_BLOCK}_local ENGINE = ReplacingMergeTree ORDER BY block_number`,
      )
    await resharded(PER_BLOCK, 'cityHash64(block_number)', '', 'elsewhere')
    for (const [node, other] of [
      [scene.first, 'shard 2'],
      [scene.second, 'shard 1'],
    ] as const) {
      const { code, stderr } = await run(`up --tables ${PER_BLOCK}`, node)
      expect({ code, stderr }).toEqual({
        code: 2,
        stderr: expect.stringMatching(`on replica 1 of ${other} .* it is Distributed`),
      })
    }
  })

  test('a row policy on the tables behind a Distributed source is said, whatever node has it', async () => {
    const catalogue = await readCatalogue(SQL_FOLDER)
    const spread = uniqueDatabase('spread')
    for (const node of [scene.first, scene.second])
      await createSourceTables(node, catalogue, PLAIN, SLOT_SOURCES)
    for (const node of [scene.first, scene.second]) await post(node, `CREATE DATABASE ${spread}`)
    for (const short of SLOT_SOURCES) {
      const name = `canonical_execution_${short}`
      const over = `CREATE TABLE ${spread}.${name} AS ${PLAIN}.${name} ENGINE = Distributed('${CLUSTER}', '${PLAIN}', '${name}', block_number)`
      for (const node of [scene.first, scene.second]) await post(node, over)
      await post(
        scene.first,
        `INSERT INTO ${spread}.${name} SELECT * FROM ${scene.places.source}.${name} SETTINGS distributed_foreground_insert = 1`,
      )
    }
    scene.places = { ...scene.places, source: spread }
    const quiet = await run(`up --tables ${PER_BLOCK} --to 10`)
    expect(quiet).toMatchObject({ code: 0, stderr: expect.not.stringContaining('row policy') })
    const few = { ...scene.first, username: 'few', password: 'few' }
    const warned = await run(`up --tables ${PER_BLOCK}`, few)
    expect(warned).toMatchObject({
      code: 0,
      stderr: expect.stringMatching(
        /the row policy \w+ shows user 'few' .* on nodes of the cluster .* block_number > 5/,
      ),
    })
    expect(await run('doctor', few)).toMatchObject({
      stdout: expect.stringContaining("shows user 'few'"),
    })
  })

  test('a transform that reads the local tables of its own target is refused, whatever their name is', async () => {
    expect(await run(`create-tables --tables ${PER_BLOCK}`)).toMatchObject({ code: 0 })
    const { source, target } = scene.places
    for (const node of [scene.first, scene.second])
      await post(
        node,
        `CREATE TABLE ${target}.kept AS ${target}.int_${PER_BLOCK}_local ENGINE = ReplacingMergeTree ORDER BY block_number`,
      )
    await resharded(PER_BLOCK, 'block_number', ` ON CLUSTER '{cluster}'`, 'kept')
    const over = uniqueDatabase('over')
    await post(scene.first, `CREATE DATABASE ${over}`)
    await post(scene.first, `CREATE VIEW ${over}.kept AS SELECT * FROM ${target}.kept`)
    const edited = editedFolder(`transforms/${PER_BLOCK}.sql`, (text) =>
      text.replace('WHERE tx IN', `WHERE block NOT IN (SELECT block_number FROM ${over}.kept) AND tx IN`),
    )
    for (const short of SLOT_SOURCES) {
      const name = `canonical_execution_${short}`
      const from = `${source}.${name} FINAL WHERE block_number NOT IN (SELECT block_number + 100 FROM ${target}.kept FINAL)`
      await post(scene.first, `CREATE VIEW ${over}.${name} AS SELECT * FROM ${from}`)
    }
    for (const [through, sql, from] of [
      ['kept', edited, source],
      [`canonical_execution_${SLOT_SOURCES[0]}`, SQL_FOLDER, over],
    ] as const) {
      scene.places = { ...scene.places, source: from }
      const said = `reads its own target ${target}.int_${PER_BLOCK} through '${through}'`
      expect((await run(`check ${PER_BLOCK} --sql ${sql}`)).stdout).toContain(said)
      expect(await run(`up --tables ${PER_BLOCK} --sql ${sql}`)).toMatchObject({
        code: 2,
        stderr: expect.stringContaining(said),
      })
    }
  })

  test('a source whose shards are replicas of one table is said, for its rows count twice', async () => {
    const twins = uniqueDatabase('twins')
    for (const node of [scene.first, scene.second]) await post(node, `CREATE DATABASE ${twins}`)
    for (const short of SLOT_SOURCES) {
      const name = `canonical_execution_${short}`
      const [made] = await rowsOf<{ statement: string }>(
        scene.first,
        `SHOW CREATE TABLE ${scene.places.source}.${name}`,
      )
      for (const [index, node] of [scene.first, scene.second].entries())
        await post(
          node,
          made!.statement
            .replace(`${scene.places.source}.${name}`, `${twins}.${name}_local`)
            .replace('ReplacingMergeTree(', `ReplicatedReplacingMergeTree('/${twins}/${name}', '${index}', `),
        )
      await post(
        scene.first,
        `CREATE TABLE ${twins}.${name} AS ${twins}.${name}_local ENGINE = Distributed('${CLUSTER}', '${twins}', '${name}_local', block_number)`,
      )
      await post(
        scene.first,
        `INSERT INTO ${twins}.${name}_local SELECT * FROM ${scene.places.source}.${name}`,
      )
    }
    scene.places = { ...scene.places, source: twins }
    const said = 'of several of its shards is one table'
    expect((await run('check')).stdout).toContain(said)
    expect((await run(`up --tables ${PER_BLOCK} --to 10`)).stderr).toContain(said)
  })

  test('a Distributed table that would leave out a shard that is down is not written to, and other settings of it do no harm', async () => {
    expect(await run(`up --tables ${PER_BLOCK} --to 12`)).toMatchObject({ code: 0 })
    await resharded(PER_BLOCK, 'block_number) SETTINGS fsync_after_insert = 1 -- ', '')
    expect(await run(`up --tables ${PER_BLOCK} --to 14`)).toMatchObject({ code: 0 })
    await resharded(PER_BLOCK, 'block_number) SETTINGS skip_unavailable_shards = 1 -- ')
    expect(await run(`up --tables ${PER_BLOCK}`)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('has the setting skip_unavailable_shards'),
    })
  })

  test('a local table with another type than the Distributed one is not written to', async () => {
    expect(await run(`up --tables ${PER_BLOCK} --to 12`)).toMatchObject({ code: 0 })
    await post(
      scene.first,
      `ALTER TABLE ${scene.places.target}.int_${PER_BLOCK}_local ON CLUSTER '{cluster}' MODIFY COLUMN slots_cleared UInt8`,
    )
    for (const node of [scene.first, scene.second])
      expect(await run(`up --tables ${PER_BLOCK}`, node)).toMatchObject({
        code: 2,
        stderr: expect.stringMatching(
          /has the column slots_cleared UInt\d+ on replica 1 of shard 1 .*, and its local tables have it as UInt8/,
        ),
      })
  })
})
