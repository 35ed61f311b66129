// Owns the promise that a run killed at any instant leaves nothing behind that its successor does not put right.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { deletion, intoTarget, ledgerEvent, lockCreation } from '../support/requests.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import type { Held } from '../support/proxy.ts'
import {
  type Crash,
  crashed,
  type Ground,
  openScene,
  PLAIN,
  prepareGround,
  type Scene,
} from '../support/crash-scene.ts'

const PER_KEY = 'address_last_access'
const LATE = 'backfill: lock lost'

let server: TestServer
let ground: Ground
beforeAll(async () => {
  server = await startTestServer()
  ground = await prepareGround(server)
})
afterAll(() => server?.stop())

type Kill = readonly [what: string, matches: Crash['matches'], point: Crash['point'], said: string]

/** Each run of a row takes over from the one before it, and is killed one step of the protocol further. */
const ROWS: readonly (readonly Kill[])[] = [
  [
    ['its lock taken and not answered', lockCreation(PLAIN), 'answer', ''],
    ['started on the way', ledgerEvent('started', PLAIN), 'request', LATE],
    ['its INSERT on the way, rows kept', intoTarget(PLAIN, 5), 'request', LATE],
    ['done on the way', ledgerEvent('done', PLAIN), 'request', LATE],
    // Nobody takes the lock afterwards: nothing is left to do, and the checkpoint that arrives late is a good one.
    ['its checkpoint on the way', ledgerEvent('checkpoint', PLAIN), 'request', ''],
  ],
  [
    ['started recorded and not answered', ledgerEvent('started', PLAIN), 'answer', ''],
    ['its INSERT executed and not answered, rows kept', intoTarget(PLAIN, 5), 'answer', ''],
    ['done recorded and not answered', ledgerEvent('done', PLAIN), 'answer', ''],
    ['its checkpoint recorded and not answered', ledgerEvent('checkpoint', PLAIN), 'answer', ''],
  ],
  [
    ['its INSERT on the way, rows replaced', intoTarget(PER_KEY, 5), 'request', LATE],
    ['its INSERT executed and not answered, rows replaced', intoTarget(PER_KEY, 5), 'answer', ''],
  ],
]

test.each(ROWS.map((row) => [row.map(([what]) => what).join('; killed with '), row] as const))(
  'killed with %s',
  async (_what, row) => void (await killedAlong(row)),
)

test('killed while it takes a lock, while it inserts, and twice while it deletes what that left: the lock that is created late belongs to nobody and stops nobody', async () => {
  const scene = await killedAlong([
    ['its lock on the way', lockCreation(PLAIN), 'request', ''],
    ['its INSERT executed and not answered', intoTarget(PLAIN, 5), 'answer', ''],
    ['its DELETE on the way', deletion, 'request', LATE],
    ['its DELETE executed and not answered', deletion, 'answer', ''],
  ])
  await scene.succeed()
  await scene.expectClean()
})

/** Kills one run after the other, lets a successor do all the work, then lets what was held go on. */
async function killedAlong(row: readonly Kill[]): Promise<Scene> {
  const scene = await openScene(ground)
  const late: (readonly [Held, Kill])[] = []
  for (const kill of row) {
    const [, matches, point] = kill
    late.push([await crashed(scene, { matches, point }, 'SIGKILL'), kill])
  }
  await scene.succeed()
  for (const [held, [what, , , said]] of late) expect((await held.release()).text, what).toContain(said)
  await scene.expectClean()
  return scene
}
