// Owns the promise that a redo may be killed at any instant: the next run ends with exactly the rows of a clean one,
// though neither the SQL nor the sources have changed and the rows that were there looked good.
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Held } from '../../support/proxy.ts'
import { deletion, intoTarget, ledgerEvent } from '../../support/requests.ts'
import { post, rowsOf, startTestServer, type TestServer } from '../../support/server.ts'
import { openTestWorkspace } from '../../support/workspace.ts'
import {
  catalogue,
  type Crash,
  crashed,
  type Ground,
  openScene,
  PLAIN,
  prepareGround,
  type Scene,
} from '../../support/crash-scene.ts'

const REPLACING = 'address_reads'
const LATE = 'backfill: lock lost'
const targetOf = (key: string) => catalogue.tables.find((table) => table.key === key)!.target

let server: TestServer
let ground: Ground
beforeAll(async () => {
  server = await startTestServer()
  ground = await prepareGround(server)
})
afterAll(() => server?.stop())

/** Everything is built, then somebody spoils blocks 5 to 8 of a table by hand: rows too many, and rows that are wrong. */
async function spoiled(key: string): Promise<Scene> {
  const scene = await openScene(ground)
  const tables = [PLAIN, REPLACING, 'address_last_access']
  const workspace = await openTestWorkspace({ server, ...scene.databases, tables, catalogue })
  expect((await workspace.up({ chunk: 4 })).failed).toEqual([])
  await workspace.close()
  const rows =
    key === PLAIN
      ? `(block_number, slots_cleared, slots_set) VALUES (5, 7, 7), (6, 7, 7), (8, 7, 7)`
      : `(address, block_number, tx_count, last_tx_index) VALUES ('0xbad', 5, 1, 1), ('0xbad', 8, 1, 1)`
  await post(server, `INSERT INTO {target:Identifier}.${targetOf(key)} ${rows}`, {
    target: scene.databases.target,
  })
  await expect(scene.expectClean()).rejects.toThrow('deeply equal')
  return scene
}

const redo = (key: string): readonly string[] =>
  `redo ${key} --from 5 --to 8 --yes --quiet --lag 0 --chunk 2`.split(' ')

/** Request that is held, where, what the server says to it when all is done. */
type Kill = readonly [what: string, matches: Crash['matches'], point: Crash['point'], said: string]

/** Each redo of a row takes over from the one before it, and is killed one step further. */
const ROWS: readonly {
  readonly key: string
  readonly next: 'up' | 'redo'
  readonly kills: readonly Kill[]
}[] = [
  {
    key: REPLACING,
    next: 'up',
    kills: [
      ['its coverage gone, unanswered', ledgerEvent('invalidated', REPLACING), 'answer', ''],
      ['its DELETE on the way', deletion, 'request', LATE],
    ],
  },
  {
    key: PLAIN,
    next: 'redo',
    kills: [
      ['its DELETE executed, unanswered', deletion, 'answer', ''],
      ['one half built again', intoTarget(PLAIN, 7), 'answer', ''],
    ],
  },
]

test.each(ROWS.map((row) => [row.key, row.kills.map(([what]) => what).join('; killed with '), row] as const))(
  '%s, killed with %s: the next run finishes it',
  async (key, _what, { next, kills }) => {
    const scene = await spoiled(key)
    const late: (readonly [Held, string])[] = []
    for (const [, matches, point, said] of kills)
      late.push([await crashed(scene, { matches, point, argv: redo(key) }, 'SIGKILL'), said])
    await scene.succeed(next === 'redo' ? redo(key) : undefined)
    await scene.expectClean()
    for (const [held, said] of late) expect((await held.release()).text).toContain(said)
    await scene.expectClean()
  },
)

test('killed while the server deletes: the deletion is ended, and the next run deletes again', async () => {
  const scene = await spoiled(REPLACING)
  const at = { target: scene.databases.target, table: targetOf(REPLACING) }
  await post(server, 'SYSTEM STOP MERGES {target:Identifier}.{table:Identifier}', at)
  const { child, ended } = scene.start(redo(REPLACING))
  const waiting = async () =>
    await rowsOf<{ is_done: number }>(
      server,
      `SELECT is_done FROM system.mutations WHERE database = {target:String} AND table = {table:String} AND NOT is_done`,
      at,
    )
  while ((await waiting()).length === 0) await sleep(50)
  child.kill('SIGKILL')
  await ended
  // A successor that takes the lock while the deletion still hangs, and merges that run again in the middle of it.
  const after = scene.succeed()
  await sleep(1_000)
  await post(server, 'SYSTEM START MERGES {target:Identifier}.{table:Identifier}', at)
  await after
  await scene.expectClean()
  expect(await waiting()).toEqual([])
})
