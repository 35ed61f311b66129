// Owns what people do to a table of a cluster after a rebuild: the names of its local tables are no longer those of the DDL.
import { describe, expect, test } from 'vitest'
import { MISSING_CLUSTER } from '../../support/real-cluster.ts'
import { post, rowsOf } from '../../support/server.ts'
import { CLUSTER } from '../../support/shards.ts'
import { startSmallCluster } from '../../support/small-cluster.ts'

if (MISSING_CLUSTER) console.warn(MISSING_CLUSTER)

const TABLE = 'block_slots_stat'
const BLOCKS = 12

async function scene() {
  const { first, second, places, addSources, run } = await startSmallCluster(BLOCKS)
  await addSources(first)
  const own = `${places.target}.int_${TABLE}`
  expect((await run(first, `up --tables ${TABLE}`)).code).toBe(0)
  expect((await run(first, `rebuild ${TABLE} --yes`)).code).toBe(0)
  const built = async () => {
    expect(await run(first, `up --tables ${TABLE}`)).toMatchObject({ code: 0 })
    expect(await rowsOf(first, `SELECT count() AS rows FROM ${own} FINAL`)).toEqual([{ rows: BLOCKS }])
    expect((await run(first, `status --check --tables ${TABLE}`)).code).toBe(0)
  }
  return { first, second, own, addSources, run, built }
}
const everywhere = `ON CLUSTER '${CLUSTER}' SYNC`
/** The statements of a hint, in its order. */
const statements = (words: string) =>
  [...new Set(words.match(/DROP TABLE [^;,]* SYNC/g))].map((one) => one.trim())

describe.skipIf(MISSING_CLUSTER)('a table of two replicas that was rebuilt', () => {
  test('where a node has lost the Distributed table since, none is made over the local tables of before, and the statement that is said makes the right one', async () => {
    const { first, own, run, built } = await scene()
    await post(first, `DROP TABLE ${own} SYNC`)
    const refused = await run(first, `up --tables ${TABLE}`)
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('is missing on this node') })
    const [, typed] = /Type (CREATE TABLE .*) on this node/.exec(refused.stderr) ?? []
    await post(first, typed!)
    await built()
  })

  test('where a node has lost the whole database since, what is said makes both tables there', async () => {
    const { first, second, own, addSources, run, built } = await scene()
    await addSources(second)
    const [target] = own.split('.') as [string]
    await post(second, `DROP DATABASE ${target} SYNC`)
    const refused = await run(second, `up --tables ${TABLE}`)
    const [, local, typed] =
      /Type what SHOW CREATE TABLE (\S+) says there, then (CREATE TABLE .*) on this node/.exec(
        refused.stderr,
      ) ?? []
    const [made] = await rowsOf<{ statement: string }>(first, `SHOW CREATE TABLE ${local!}`)
    await post(second, made!.statement)
    await post(second, typed!)
    await built()
    expect(await run(second, `status --check --tables ${TABLE}`)).toMatchObject({ code: 0 })
  })

  test('whose Distributed table alone was dropped, and the old one with it, keeps its rows by the statement that is said', async () => {
    const { first, own, run, built } = await scene()
    expect((await run(first, `rebuild ${TABLE} --drop-old --yes`)).code).toBe(0)
    await post(first, `DROP TABLE ${own} ${everywhere}`)
    const refused = await run(first, `up --tables ${TABLE}`)
    expect(refused.code, refused.stderr).toBe(1)
    const [, typed] = /Type (CREATE TABLE .*), or, to build/.exec(refused.stderr) ?? []
    await post(first, typed!)
    expect((await run(first, `plan --tables ${TABLE}`)).stdout).toContain('Nothing to do')
    await built()
  })

  test('which is emptied, and dropped as the hint says, is not made over the local tables of the old one; what is said then builds it', async () => {
    const { first, own, run, built } = await scene()
    const [front] = await rowsOf<{ local: string }>(
      first,
      `SELECT extract(engine_full, 'int_\\\\w+') AS local FROM system.tables WHERE concat(database, '.', name) = '${own}'`,
    )
    await post(first, `TRUNCATE TABLE ${own.split('.')[0]}.${front!.local} ${everywhere}`)
    for (const one of statements((await run(first, `status --tables ${TABLE}`)).stdout))
      await post(first, one)
    const refused = await run(first, `up --tables ${TABLE}`)
    expect(refused).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('which a rebuild has replaced'),
    })
    for (const one of statements(refused.stderr)) await post(first, one)
    await built()
  })

  test('and whose local tables a materialized view reads: redo and rebuild say what does not arrive there', async () => {
    const { first, own, run } = await scene()
    expect((await run(first, `rebuild ${TABLE} --drop-old --yes`)).code).toBe(0)
    const target = own.split('.')[0]
    const [front] = await rowsOf<{ local: string }>(
      first,
      `SELECT extract(engine_full, 'int_\\\\w+') AS local FROM system.tables WHERE concat(database, '.', name) = '${own}'`,
    )
    await post(
      first,
      `CREATE MATERIALIZED VIEW ${target}.seen ON CLUSTER '${CLUSTER}' ENGINE = MergeTree ORDER BY block_number AS SELECT block_number FROM ${target}.${front!.local}`,
    )
    const redone = await run(first, `redo ${TABLE} --from 1 --to 2 --yes`)
    expect(redone.stdout + redone.stderr).toContain(`the materialized view reads it: ${target}.seen`)
    const rebuilt = await run(first, `rebuild ${TABLE} --yes`)
    expect(rebuilt.stdout + rebuilt.stderr).toContain(
      `${target}.seen (materialized) reads the local tables of the old int_${TABLE}`,
    )
  })

  test('and made anew over the local tables of the old one keeps its rows when the old one is dropped', async () => {
    const { first, own, run, built } = await scene()
    await post(first, `DROP TABLE ${own} ${everywhere}`)
    // As a person makes it, by the DDL.
    await post(
      first,
      `CREATE TABLE ${own} ON CLUSTER '${CLUSTER}' AS ${own}_local ENGINE = Distributed('${CLUSTER}', '${own.split('.')[0]}', 'int_${TABLE}_local', block_number)`,
    )
    await built()
    expect((await run(first, `rebuild ${TABLE} --drop-old --yes`)).code).toBe(0)
    await built()
  })
})

describe.skipIf(MISSING_CLUSTER)('a table of a cluster whose local tables are gone', () => {
  test('does not keep the others from being shown, and is named', async () => {
    const { first, places, addSources, run } = await startSmallCluster(BLOCKS, 'all')
    await addSources(first)
    const tables = `--tables ${TABLE},accounts_alive`
    expect((await run(first, `up ${tables.replace(',accounts_alive', '')}`)).code).toBe(0)
    await post(first, `DROP TABLE ${places.target}.int_${TABLE}_local ON CLUSTER '${CLUSTER}' SYNC`)
    for (const words of ['doctor', `status ${tables}`, `plan --tables ${TABLE}`, `up --tables ${TABLE}`]) {
      const { code, stdout, stderr } = await run(first, words)
      expect(stderr).not.toMatch(/cannot be parsed|code 376/)
      expect(stdout + stderr).toContain('does not exist on every node')
      if (words.startsWith('up'))
        expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining('_local') })
    }
  })
})
