// Owns the promises of the help, for every command: it fits 80 columns, its examples can be typed, its variables work.
import { afterEach, expect, test, vi } from 'vitest'
import { COMMANDS } from '../../src/cli/commands.ts'
import { readCommandLine } from '../../src/cli/command-line.ts'
import { readConfig } from '../../src/workspace/config.ts'
import { typedWords } from '../../src/workspace/values.ts'

afterEach(() => vi.restoreAllMocks())

/** What cac prints. */
function helpOf(command: string): string {
  return printedBy(() =>
    expect(readCommandLine([command, '--help'].filter(Boolean))).toEqual({ kind: 'help' }),
  )
}

function printedBy(work: () => unknown): string {
  const lines: string[] = []
  vi.spyOn(console, 'info').mockImplementation((text: string) => void lines.push(text))
  work()
  return lines.join('\n')
}

test.each(['', 'up', 'preview'])('the help of `%s` as a whole', async (command) => {
  const file = `../fixtures/cli/help${command && `-${command}`}.txt`
  await expect(`${helpOf(command)}\n`).toMatchFileSnapshot(file)
})

test('`help up` is `up --help`, and no word at all is the help, as an error', () => {
  expect(printedBy(() => readCommandLine(['help', 'up']))).toBe(helpOf('up'))
  expect(printedBy(() => readCommandLine(['help']))).toBe(helpOf(''))
  const help = printedBy(() => {
    expect(() => readCommandLine([])).toThrow('no command given')
  })
  expect(help).toBe(helpOf(''))
  expect(() => readCommandLine(['help', 'zzz'])).toThrow("unknown command 'zzz'")
})

const names = COMMANDS.map(({ name }) => name)

test.each(['', ...names])('the help of `%s` fits 80 columns', (command) => {
  const lines = helpOf(command).split('\n')
  expect(lines.filter((line) => line.length > 80)).toEqual([])
  expect(lines.filter((line) => line.endsWith(' '))).toEqual([])
})

test.each(COMMANDS)('the examples of `$name` are command lines of it', ({ name, examples }) => {
  expect(Object.keys(examples)).not.toEqual([])
  for (const words of Object.values(examples)) {
    const argv = words.replace(/ > .*/, '').split(' ')
    expect(readCommandLine(argv)).toMatchObject({ kind: 'command', entry: { name } })
  }
})

test('the help has each flag, with its default and its variable, and each exit code', () => {
  for (const { name, flags, exits } of COMMANDS) {
    const help = helpOf(name).replaceAll(/\s+/g, ' ')
    for (const { name: flag, about } of flags) {
      expect(help).toContain(` --${flag} `)
      expect(help).toContain(about)
    }
    for (const code of Object.keys(exits)) expect(help).toContain(` ${code} `)
  }
})

const read = (words: Record<string, string>, environment: Record<string, string>) =>
  JSON.stringify(readConfig({ flags: typedWords(words), environment, folder: '/nowhere' }))

test('every variable that the help names sets what its flag sets', () => {
  const flags = COMMANDS.flatMap((entry) => entry.flags)
  for (const { name, value, about, as } of flags) {
    const variable = /env: (\w+)/.exec(about)?.[1]
    if (variable === undefined || name === 'no-color' || name === 'env-file') continue // test/workspace/env-file.test.ts
    const text = /, e\.g\. (.+?)(, | \(|$)/.exec(about)?.[1] ?? /\w+/.exec(value!)![0]
    const set = read({}, { [variable]: text })
    expect(set, name).toContain(`environment ${variable}`)
    expect(set.replace(`environment ${variable}`, `flag --${as ?? name}`)).toBe(
      read({ [as ?? name]: text }, {}),
    )
  }
})
