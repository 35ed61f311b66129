// Owns the promises of how long a run waits (five minutes for a server that is away, or as long as was typed), and of
// positions that are none of the tables.
import { tmpdir } from 'node:os'
import { expect, test } from 'vitest'
import { readConfig } from '../../src/workspace/config.ts'
import { typedWords } from '../../src/workspace/values.ts'
import { assertPositions, upOptions } from '../../src/workspace/run-options.ts'

const optionsOf = (typed: Record<string, string>) => {
  const flags = typedWords(typed)
  const config = readConfig({ flags, environment: {}, folder: tmpdir() })
  return upOptions({ config, flags })
}

test('a server that is away is waited for as long as --give-up says, five minutes where nothing is said', () => {
  expect(optionsOf({}).giveUpMs).toBe(5 * 60_000)
  expect(optionsOf({}).minFreeShare).toBe(0.05)
  expect(optionsOf({ 'min-free-disk': '12.5%' }).minFreeShare).toBe(0.125)
  for (const bad of ['5', '', '101%', '-1%', '1e1%', 'x%'])
    expect(() => optionsOf({ 'min-free-disk': bad })).toThrow(
      `--min-free-disk must be a share such as 5%, got '${bad}'`,
    )
  expect(optionsOf({ 'give-up': '90' }).giveUpMs).toBe(90_000)
  expect(optionsOf({ 'give-up': '3s' }).giveUpMs).toBe(3_000)
})

const BLOCKS = { key: 'gas', unit: 'block' } as const
const SECONDS = { key: 'votes', unit: 'second' } as const

test.for(['1970-01-01', '2000-01-01T00:00', '2024-03-13', '2099-12-31'])(
  'the time %s is refused for a table that counts blocks, whatever its number, and taken for one of seconds',
  (text) => {
    for (const name of ['from', 'to', 'at'])
      expect(() => assertPositions([BLOCKS, SECONDS], typedWords({ [name]: text }))).toThrow(
        `--${name} ${text} is a time, and gas counts blocks`,
      )
    assertPositions([SECONDS], typedWords({ from: text, to: text, at: text }))
  },
)

test('a number is a block, and so refused where some tables count seconds', () => {
  assertPositions([BLOCKS], typedWords({ from: '0', to: '4000000000' }))
  expect(() => assertPositions([BLOCKS, SECONDS], typedWords({ to: '5' }))).toThrow(
    '--to 5 is a block, and votes counts seconds',
  )
})
