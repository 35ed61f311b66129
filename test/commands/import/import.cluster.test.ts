// Owns the promises of `import` on a cluster: the rows go to source tables that a person has made on its shards, and a file of other rows fails there, too.
import { join } from 'node:path'
import { beforeEach, describe, expect, test } from 'vitest'
import { temporaryDirectory } from '../../support/processes.ts'
import { publicPath, writeParquet } from '../../support/public-files.ts'
import { MISSING_CLUSTER } from '../../support/real-cluster.ts'
import { post, rowsOf, uniqueDatabase } from '../../support/server.ts'
import { CLUSTER } from '../../support/shards.ts'
import { useTwoShards } from '../../support/two-shards.ts'

if (MISSING_CLUSTER) console.warn(MISSING_CLUSTER)

const TABLE = 'canonical_execution_nonce_diffs'
describe.skipIf(MISSING_CLUSTER)('an import into two shards', () => {
  const scene = useTwoShards()

  /** A file of so many rows, of which so many are of another network. */
  async function importing(rows: number, foreign: number) {
    const { first, run, places } = scene
    const folder = temporaryDirectory()
    await writeParquet(
      first,
      join(folder, publicPath({ network: 'sepolia', table: TABLE, first: 1000 })),
      `SELECT toDateTime('2026-01-01 00:00:00') AS updated_date_time, 1000 + number AS block_number, 0 AS transaction_index,
         concat('0x', lower(hex(SHA256(toString(number))))) AS transaction_hash, 1 AS internal_index, 'a' AS address, 1 AS from_value,
         2 AS to_value, if(number < ${foreign}, 'holesky', 'sepolia') AS meta_network_name
       FROM numbers(${rows})`,
    )
    Object.assign(places, { source: uniqueDatabase('imported') })
    const own = `${places.source}.${TABLE}`
    const words = `import --network sepolia --folder ${folder} --tables nonce_diffs --from 1000 --to 1999`
    return { own, start: async () => await run(words) }
  }

  /** As a person makes them. */
  async function makeTables(own: string) {
    const { first } = scene
    const [database] = own.split('.')
    const [made] = await rowsOf<{ statement: string }>(first, `SHOW CREATE TABLE ${original}.${TABLE}`)
    await post(first, `CREATE DATABASE ${database} ON CLUSTER '${CLUSTER}'`)
    await post(first, made!.statement.replace(`${original}.${TABLE}`, `${own}_local ON CLUSTER '${CLUSTER}'`))
    await post(
      first,
      `CREATE TABLE ${own} ON CLUSTER '${CLUSTER}' AS ${own}_local
       ENGINE = Distributed('${CLUSTER}', '${database}', '${TABLE}_local', cityHash64(transaction_hash))`,
    )
  }

  let original: string
  beforeEach(() => {
    original = scene.places.source
  })

  test('whose source table does not exist is told to make it, and is run then; it counts each row once', async () => {
    const { own, start } = await importing(60, 0)
    const refused = await start()
    expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining(`create it by hand`) })
    await makeTables(own)
    expect(await start()).toMatchObject({ code: 0, stdout: expect.stringContaining(' 60 rows in ') })
    expect(await rowsOf(scene.first, `SELECT count() AS rows FROM ${own}`)).toEqual([{ rows: 60 }])
  })

  test('fails at a file of which some rows are of another network, as on one server', async () => {
    const { own, start } = await importing(60, 10)
    await makeTables(own)
    expect(await start()).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('has 60 rows, but only 50 are of sepolia'),
    })
  })
})
