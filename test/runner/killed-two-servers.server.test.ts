// Owns the same promises where source and target are two servers, and rows stream from one to the other.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { intoTarget, ledgerEvent } from '../support/requests.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { type Ground, killAt, openScene, PLAIN, prepareGround, stopAt } from '../support/crash-scene.ts'

const LATE = 'backfill: lock lost'

let servers: readonly TestServer[]
let ground: Ground
beforeAll(async () => {
  servers = await Promise.all([startTestServer(), startTestServer()])
  ground = await prepareGround(servers[0]!, servers[1])
})
afterAll(() => Promise.all((servers ?? []).map((server) => server.stop())))

test.each([
  ['its stream on the way', intoTarget(PLAIN, 5), 'request', LATE],
  ['its stream executed and not answered', intoTarget(PLAIN, 5), 'answer', ''],
  ['done on the way', ledgerEvent('done', PLAIN), 'request', LATE],
] as const)('killed with %s', async (_name, matches, point, said) => {
  const scene = await openScene(ground)
  expect((await killAt(scene, { matches, point })).text).toContain(said)
  await scene.expectClean()
})

test('killed, or stopped, in the middle of a stream: whether the server has begun with it or not, its rest arrives in vain', async () => {
  // Of a long stream the server reads the first half and waits for more; of a short one it sees nothing before its end.
  const long = await prepareGround(servers[0]!, servers[1], 90_000)
  const middle = { point: 'body', matches: intoTarget(PLAIN, 5) } as const
  const longMiddle = { point: 'body', matches: intoTarget('address_reads', 30_001) } as const
  const [killed, stopped, running] = await Promise.all([
    openScene(ground),
    openScene(ground),
    openScene(long),
  ])
  const [late, { answer, ended }, cut] = await Promise.all([
    killAt(killed, middle),
    stopAt(stopped, middle),
    killAt(running, longMiddle),
  ])
  // The fence, or the server's limit of 30 s with a body that stands still.
  for (const { text } of [late, answer, cut]) expect(text).toMatch(/DB::\w*Exception/)
  expect(ended.code, ended.stderr).toBe(5)
  for (const scene of [killed, stopped, running]) await scene.expectClean()
})
