// Owns the promise that a run which was stopped for so long that another took over notices when it wakes up: it writes
// nothing, says so and ends with exit code 5.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { deletion, intoTarget, ledgerEvent } from '../support/requests.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import {
  crashed,
  type Crash,
  type Ground,
  openScene,
  PLAIN,
  prepareGround,
  type Scene,
  stopAt,
} from '../support/crash-scene.ts'

let server: TestServer
let ground: Ground
beforeAll(async () => {
  server = await startTestServer()
  ground = await prepareGround(server)
})
afterAll(() => server?.stop())

const POINTS: Readonly<Record<string, Crash>> = {
  'before its INSERT': { matches: intoTarget(PLAIN, 5), point: 'request' },
  'after its INSERT': { matches: intoTarget(PLAIN, 5), point: 'answer' },
  'before started': { matches: ledgerEvent('started', PLAIN), point: 'request' },
  'before done': { matches: ledgerEvent('done', PLAIN), point: 'request' },
  'after done': { matches: ledgerEvent('done', PLAIN), point: 'answer' },
}

// All at once: a successor has to watch the lock of a living process for 20 s before it takes it.
test('stopped at any point, a runner that wakes up after its successor writes nothing and exits 5', async () => {
  await Promise.all([
    ...Object.entries(POINTS).map(async ([name, crash]) => wakesUpLate(name, await openScene(ground), crash)),
    (async () => {
      const scene = await openScene(ground)
      const first = await crashed(scene, { matches: intoTarget(PLAIN, 5), point: 'answer' }, 'SIGKILL')
      await wakesUpLate('while it deletes', scene, { matches: deletion, point: 'request' })
      await first.release()
    })(),
  ])
})

async function wakesUpLate(name: string, scene: Scene, crash: Crash): Promise<void> {
  const { answer, ended } = await stopAt(scene, crash)
  if (crash.point === 'request') expect(answer.text, name).toContain('backfill: lock lost')
  expect(ended.code, `${name}: ${ended.stderr}`).toBe(5)
  expect(ended.stderr, name).toContain('(taken or freed by someone else); nothing was written')
  await scene.expectClean()
}
