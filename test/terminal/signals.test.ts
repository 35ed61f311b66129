// Owns the promises of Ctrl-C: the first asks the work to stop, its echo does nothing, the second ends the process.
import { execFileSync } from 'node:child_process'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { interruptedCode, SIGNALS, withSignals } from '../../src/terminal/signals.ts'

// The worker has listeners of its own, which would end its servers and itself.
// As they stand, so that one that was added by `once` is still called once.
let others: readonly (readonly [NodeJS.Signals, readonly NodeJS.SignalsListener[]])[] = []
beforeEach(() => {
  others = SIGNALS.map((name) => [name, process.rawListeners(name) as NodeJS.SignalsListener[]])
  for (const [name] of others) process.removeAllListeners(name)
})
afterEach(() => {
  for (const [name, listeners] of others) for (const listener of listeners) process.on(name, listener)
  vi.useRealTimers()
  vi.restoreAllMocks()
})

test('the echo of a Ctrl-C, which npm hands on, does not end the process; a second one does', async () => {
  vi.useFakeTimers({ toFake: ['performance'] })
  const kill = vi.spyOn(process, 'kill').mockReturnValue(true)
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
      expect(process.listenerCount('SIGINT')).toBe(0)
      return interruptedCode(signal)
    },
  )
  expect(code).toBe(130)
  expect(asked).toBe(1)
})

test('where the work has ended, signals are nobody’s again', async () => {
  await expect(
    withSignals(
      () => {},
      () => Promise.reject(new Error('over')),
    ),
  ).rejects.toThrow('over')
  expect(process.listenerCount('SIGTERM')).toBe(0)
})

const codeAfterHangUp = () =>
  withSignals(
    () => {},
    (signal) => {
      process.emit('SIGHUP', 'SIGHUP')
      return Promise.resolve(signal.aborted ? interruptedCode(signal) : 0)
    },
  )

test.skipIf(process.platform !== 'linux')('a script that `nohup` started protects what it starts', () => {
  const module = new URL('../../src/terminal/signals.ts', import.meta.url).href
  const program = `import { withSignals } from '${module}'
    await withSignals(() => {}, async (signal) => {
      process.kill(process.pid, 'SIGHUP')
      await new Promise((done) => setTimeout(done, 100))
      process.stdout.write(String(signal.aborted))
    })`
  const script = `"$0" --input-type=module -e "$1"; true`
  const run = (command: string, ...words: readonly string[]) =>
    execFileSync(command, [...words, '-c', script, process.execPath, program], { encoding: 'utf8' })
  expect(run('sh')).toBe('true')
  expect(run('nohup', 'sh')).toBe('false')
})

test('SIGHUP lets chunks end as SIGTERM does, and `nohup` protects from it', async () => {
  vi.stubEnv('_', '/usr/bin/node')
  expect(await codeAfterHangUp()).toBe(129)
  vi.stubEnv('_', '/usr/bin/nohup')
  expect(await codeAfterHangUp()).toBe(0)
  vi.unstubAllEnvs()
})
