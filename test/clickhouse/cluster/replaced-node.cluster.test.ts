// Owns the replacement of a node that has lost its disk, by the statements of docs/how-to/clusters.md: coverage stays.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { repository } from '../../support/processes.ts'
import { MISSING_CLUSTER } from '../../support/real-cluster.ts'
import { post, rowsOf } from '../../support/server.ts'
import { startSmallCluster } from '../../support/small-cluster.ts'

if (MISSING_CLUSTER) console.warn(MISSING_CLUSTER)

const FORGOTTEN = { timeout: 120_000, interval: 1000 }

const TABLE = 'block_slots_stat'

/** The statements of the how-to: the replica that is forgotten, and the DDL that is asked for. */
function statements(): readonly [forget: string, ddl: string] {
  const page = readFileSync(join(repository, 'docs/how-to/clusters.md'), 'utf8')
  const section = page.split('**A node that has lost its disk**')[1]!
  return [...section.matchAll(/```sql\n(.*?)```/gs)].slice(0, 2).map(([, text]) => text!) as [string, string]
}

describe.skipIf(MISSING_CLUSTER)('nodes that have lost their disks', () => {
  test('replaced one after the other as the docs say, the tables have their rows, and nothing is computed again', async () => {
    const { cluster, first, second, places, addSources, run: on } = await startSmallCluster(20)
    for (const node of cluster.nodes) await addSources(node)
    expect((await on(first, `up --tables ${TABLE}`)).code).toBe(0)

    const [forget, ddl] = statements()
    const named = (text: string) =>
      text
        .replaceAll("'mainnet'", `'${places.target}'`)
        .replaceAll("'backfill'", `'${places.ledger}'`)
        .replaceAll("'backfill_locks'", `'${places.ledger}_locks'`)
    for (const [replica, lost, other] of [
      ['r2', second, first],
      ['r1', first, second],
    ] as const) {
      const name = `s1${replica}`
      await cluster.loseDisk(name)
      await cluster.restart(name)
      await addSources(lost)
      expect(await on(lost, 'status')).toMatchObject({
        code: 6,
        stderr: expect.stringContaining('docs/how-to/clusters.md'),
      })

      for (const [statement] of forget.replaceAll('r2', replica).matchAll(/^SYSTEM [^;]+/gm))
        // Keeper takes a node for alive for some seconds after its death.
        await expect.poll(() => post(other, statement).catch(String), FORGOTTEN).toBe('')
      const made = await rowsOf<{ statement: string }>(other, named(ddl).replace(';', ''))
      for (const { statement } of made) await post(lost, statement)
      const replicas = 'SELECT database, table FROM system.replicas'
      for (const { database, table } of await rowsOf<{ database: string; table: string }>(lost, replicas))
        await post(lost, `SYSTEM SYNC REPLICA ${database}.${table}`)

      const { stdout } = await on(lost, `status --tables ${TABLE} --json`)
      expect(JSON.parse(stdout)).toMatchObject({ tables: [{ state: 'up to date', done_blocks: 20 }] })
      expect((await on(lost, `up --tables ${TABLE}`)).stdout).toContain('Nothing to do')
      expect((await on(lost, `verify ${TABLE} --stored`)).code).toBe(0)
    }
  })
})
