// Owns the promises of asking: yes is yes, anything else changes nothing, and nobody is asked who cannot answer.
import { PassThrough } from 'node:stream'
import { afterEach, expect, test } from 'vitest'
import { confirm } from '../../src/session/confirm.ts'
import { createOutput } from '../../src/terminal/output.ts'
import { typedWords } from '../../src/workspace/values.ts'

const { stdin, stderr } = process
const put = (name: 'stdin' | 'stderr', value: unknown) =>
  Object.defineProperty(process, name, { value, configurable: true })
afterEach(() => {
  put('stdin', stdin)
  put('stderr', stderr)
})

/** Asks in a terminal in which `typed` is typed; resolves to what it looked like. `logged`: as with `2>file`. */
async function ask(
  typed: string,
  { isTTY = true, logged = false, flags = typedWords({}) } = {},
): Promise<string> {
  const [keyboard, screen] = [new PassThrough(), new PassThrough()]
  put('stdin', Object.assign(keyboard, { isTTY }))
  put('stderr', Object.assign(screen, { isTTY: isTTY && !logged }))
  keyboard.end(typed)
  const terminal = { stdout: process.stdout, stderr: process.stderr, env: {}, cwd: () => '/' }
  await confirm({ flags, output: createOutput(terminal, flags, ['secret']) }, 'Drop secret?')
  return String(screen.read() ?? '')
}

test.for(['y\n', 'Y\n', ' yes \n'])('%j goes on', async (typed) => {
  expect(await ask(typed)).toBe('Drop ***? [y/N] ')
})

test.for(['\n', '', 'yes', 'n\n', 'no\ny\n', 'yesterday\n'])('%j changes nothing', async (typed) => {
  await expect(ask(typed)).rejects.toMatchObject({
    kind: 'failed',
    message: 'not confirmed: nothing was changed',
  })
})

test('without a terminal --yes is needed; with it nobody is asked', async () => {
  await expect(ask('y\n', { isTTY: false })).rejects.toMatchObject({
    kind: 'usage',
    message: expect.stringContaining('cannot ask for confirmation (not a terminal): Drop ***?'),
  })
  expect(await ask('', { isTTY: false, flags: typedWords({ yes: '' }) })).toBe('')
})

test('a question that would go into a log file is not asked: nobody would see it', async () => {
  await expect(ask('y\n', { logged: true })).rejects.toMatchObject({ kind: 'usage' })
})
