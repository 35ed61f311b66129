// Owns the promise that a run killed at any instant leaves nothing behind that its successor does not put right.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { deletion, intoTarget, ledgerEvent, lockCreation } from '../support/requests.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { crashed, type Ground, killAt, openScene, PLAIN, prepareGround } from '../support/crash-scene.ts'

const PER_KEY = 'address_last_access'
const LATE = 'backfill: lock lost'

let server: TestServer
let ground: Ground
beforeAll(async () => {
  server = await startTestServer()
  ground = await prepareGround(server)
})
afterAll(() => server?.stop())

test.each([
  ['its INSERT on the way, rows replaced', intoTarget(PER_KEY, 5), 'request', LATE],
  ['its INSERT on the way, rows kept', intoTarget(PLAIN, 5), 'request', LATE],
  ['its INSERT executed and not answered, rows replaced', intoTarget(PER_KEY, 5), 'answer', ''],
  ['its INSERT executed and not answered, rows kept', intoTarget(PLAIN, 5), 'answer', ''],
  ['started on the way', ledgerEvent('started', PLAIN), 'request', LATE],
  ['started recorded and not answered', ledgerEvent('started', PLAIN), 'answer', ''],
  ['done on the way', ledgerEvent('done', PLAIN), 'request', LATE],
  ['done recorded and not answered', ledgerEvent('done', PLAIN), 'answer', ''],
  // Nobody took the lock: nothing was left to do, and the checkpoint that arrives late is a good one.
  ['its checkpoint on the way', ledgerEvent('checkpoint', PLAIN), 'request', ''],
  ['its checkpoint recorded and not answered', ledgerEvent('checkpoint', PLAIN), 'answer', ''],
  ['its lock taken and not answered', lockCreation(PLAIN), 'answer', ''],
] as const)('killed with %s', async (_name, matches, point, said) => {
  const scene = await openScene(ground)
  expect((await killAt(scene, { matches, point })).text).toContain(said)
  await scene.expectClean()
})

test('killed while it takes a lock: the lock that is created late belongs to nobody and stops nobody', async () => {
  const scene = await openScene(ground)
  await killAt(scene, { matches: lockCreation(PLAIN), point: 'request' })
  await scene.expectClean()
  await scene.succeed()
  await scene.expectClean()
})

test.each(['request', 'answer'] as const)(
  'killed twice, the second time while it deletes what the first left (%s)',
  async (point) => {
    const scene = await openScene(ground)
    const first = await crashed(scene, { matches: intoTarget(PLAIN, 5), point: 'answer' }, 'SIGKILL')
    const { text } = await killAt(scene, { matches: deletion, point })
    expect(text).toContain(point === 'request' ? LATE : '')
    await first.release()
    await scene.expectClean()
  },
)
