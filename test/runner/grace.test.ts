// Owns the promises of the grace of an interrupted run.
import { expect, test, vi } from 'vitest'
import { killAfterGrace } from '../../src/runner/grace.ts'

/** What was killed, time by time. */
function scene(interrupted: boolean) {
  const killed: (readonly string[])[] = []
  const inFlight = new Set(['first'])
  const signal = interrupted ? AbortSignal.abort() : new AbortController().signal
  const stop = killAfterGrace(signal, 1, async () => {
    killed.push([...inFlight])
    throw new Error('the server is away')
  })
  return { killed, inFlight, stop }
}

test('what begins just after the first kill is killed by the next one, whatever became of the first', async () => {
  const { killed, inFlight, stop } = scene(true)
  await vi.waitFor(() => expect(killed).toEqual([['first']]))
  inFlight.delete('first')
  inFlight.add('second')
  await vi.waitFor(() => expect(killed.at(-1)).toEqual(['second']), { timeout: 10_000 })
  stop()
})

test('a run that nobody interrupted kills nothing', async () => {
  const { killed, stop } = scene(false)
  await new Promise((done) => setTimeout(done, 50))
  expect(killed).toEqual([])
  stop()
})
