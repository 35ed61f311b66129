// Owns the promises of how long a run waits: five minutes for a server that is away, or as long as was typed.
import { tmpdir } from 'node:os'
import { expect, test } from 'vitest'
import { readConfig } from '../../src/workspace/config.ts'
import { typedWords } from '../../src/workspace/values.ts'
import { upOptions } from '../../src/workspace/run-options.ts'

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
