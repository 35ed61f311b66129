// Owns the promises of Ctrl-C: the first asks the work to stop, its echo does nothing, the second ends the process.
import { afterEach, expect, test, vi } from 'vitest'
import { interruptedCode, withSignals } from '../../src/terminal/signals.ts'

afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

test('the echo of a Ctrl-C, which npm hands on, does not end the process; a second one does', async () => {
  vi.useFakeTimers({ toFake: ['performance'] })
  const kill = vi.spyOn(process, 'kill').mockReturnValue(true)
  const others = process.listenerCount('SIGINT')
  let asked = 0
  const code = await withSignals(
    () => void asked++,
    async (signal) => {
      process.emit('SIGINT', 'SIGINT')
      expect(signal.aborted).toBe(true)
      vi.advanceTimersByTime(400)
      process.emit('SIGINT', 'SIGINT')
      expect(kill).not.toHaveBeenCalled()
      vi.advanceTimersByTime(200)
      process.emit('SIGTERM', 'SIGTERM')
      expect(kill.mock.calls).toEqual([[process.pid, 'SIGTERM']])
      // Nothing of ours keeps that signal from its default action.
      expect(process.listenerCount('SIGINT')).toBe(others)
      return interruptedCode(signal)
    },
  )
  expect(code).toBe(130)
  expect(asked).toBe(1)
})

test('where the work has ended, signals are nobody’s again', async () => {
  const others = process.listenerCount('SIGTERM')
  await expect(
    withSignals(
      () => {},
      () => Promise.reject(new Error('over')),
    ),
  ).rejects.toThrow('over')
  expect(process.listenerCount('SIGTERM')).toBe(others)
})

const codeAfterHangUp = () =>
  withSignals(
    () => {},
    (signal) => {
      process.emit('SIGHUP', 'SIGHUP')
      return Promise.resolve(signal.aborted ? interruptedCode(signal) : 0)
    },
  )

test('SIGHUP lets chunks end as SIGTERM does, and `nohup` protects from it', async () => {
  vi.stubEnv('_', '/usr/bin/node')
  expect(await codeAfterHangUp()).toBe(129)
  vi.stubEnv('_', '/usr/bin/nohup')
  expect(await codeAfterHangUp()).toBe(0)
  vi.unstubAllEnvs()
})
