// Owns what a replica may do that lacks rows which others have, because it was made anew: nothing is read from it.
import { describe, expect, test } from 'vitest'
import { MISSING_CLUSTER } from '../../support/real-cluster.ts'
import { post, rowsOf, type TestServer } from '../../support/server.ts'
import { startSmallCluster } from '../../support/small-cluster.ts'

if (MISSING_CLUSTER) console.warn(MISSING_CLUSTER)

const AGED = { timeout: 120_000, interval: 1000 }

async function textOf(node: TestServer, table: string): Promise<string> {
  const [row] = await rowsOf<{ text: string }>(
    node,
    `SELECT create_table_query AS text FROM system.tables WHERE concat(database, '.', name) = '${table}'`,
  )
  return row!.text
}

/** Makes a node's replica anew, which the other node sends nothing, and resolves when its lack is older than what a run overlooks. */
async function makeAnew(node: TestServer, other: TestServer, table: string): Promise<void> {
  await post(other, `SYSTEM STOP REPLICATED SENDS ${table}`)
  await post(node, `DROP TABLE ${table} SYNC`)
  await post(node, await textOf(other, table))
  const delay = `SELECT absolute_delay > 30 AS old FROM system.replicas WHERE concat(database, '.', table) = '${table}'`
  await expect.poll(() => rowsOf(node, delay), AGED).toEqual([{ old: 1 }])
}

async function sendAgain(node: TestServer, other: TestServer, table: string): Promise<void> {
  await post(other, `SYSTEM START REPLICATED SENDS ${table}`)
  await post(node, `SYSTEM SYNC REPLICA ${table}`)
}

describe.skipIf(MISSING_CLUSTER)('a replica that was made anew', () => {
  test('is not read before it has the rows of an input, and not asked before it has the ledger', async () => {
    const { first: other, second: node, places, addSources, run: on } = await startSmallCluster(20, 'all')
    for (const one of [other, node]) await addSources(one)
    /** A node that is whole answers, and warns; the other refuses. */
    const expectBelieved = async (words: string, sentence: RegExp) => {
      expect(await on(node, words)).toMatchObject({ code: 6, stderr: expect.stringMatching(sentence) })
      expect(await on(other, words)).toMatchObject({ code: 0, stderr: expect.stringMatching(sentence) })
    }
    const inputs = 'address_diffs,pre_6780_accounts_destructs,post_6780_accounts_destructs'
    expect((await on(other, `up --tables ${inputs}`)).code).toBe(0)

    const input = `${places.target}.int_address_diffs_local`
    await makeAnew(node, other, input)
    expect(await rowsOf(node, `SELECT count() AS n FROM ${input}`)).toEqual([{ n: 0 }])
    expect((await on(node, 'up --tables accounts_alive --chunk 5')).code).toBe(0)
    expect((await on(node, 'verify address_diffs')).code).toBe(0)
    await sendAgain(node, other, input)
    expect((await on(node, 'verify accounts_alive')).code).toBe(0)

    const ledger = `${places.ledger}.ledger`
    await makeAnew(node, other, ledger)
    const late = /replica 2 of shard 1 .* which lacks rows of \S+\.ledger, has not fetched them/
    await expectBelieved('status', late)
    await sendAgain(node, other, ledger)
    expect(await on(node, 'up')).toMatchObject({ code: 0 })

    await post(node, `SYSTEM STOP FETCHES ${ledger}`)
    const held = await on(other, 'redo address_diffs --from 1 --to 3 --cascade --yes --give-up 1s')
    expect(held).toMatchObject({
      code: 6,
      stderr: expect.stringMatching(/replica 2 of shard 1 .* lacks rows of/),
    })
    await post(node, `SYSTEM START FETCHES ${ledger}`)
    await post(node, `SYSTEM SYNC REPLICA ${ledger}`)
    expect(await on(node, 'up')).toMatchObject({ code: 0 })

    await post(node, `DROP TABLE ${ledger} SYNC`)
    const lacking = /replica 2 of shard 1 .* has no ledger \S+\.ledger, and others have it/
    await expectBelieved('log', lacking)
    expect((await on(other, 'doctor')).stdout).toMatch(lacking)
    await post(node, await textOf(other, ledger))
    await post(node, `SYSTEM SYNC REPLICA ${ledger}`)
    expect(await on(node, 'log')).toMatchObject({ code: 0, stderr: '' })

    await post(node, `DROP TABLE ${input} SYNC`)
    const { code, stdout, stderr } = await on(other, 'status --check')
    expect(code).toBe(3)
    const lost = /does not exist on every node: replica 2 of shard 1 \(\S+\) lacks it/
    expect(stdout + stderr).toMatch(lost)
    expect((await on(other, 'doctor')).stdout).toMatch(lost)
  })
})
