// Owns the promise that a test file of a stranger is read in no time, whatever is in it, or refused with its place.
import { expect, test } from 'vitest'
import { parseYaml } from '../../../src/commands/test/yaml-tree.ts'

const refusal = (text: string): unknown => {
  try {
    return parseYaml('a.yaml', text)
  } catch (error) {
    return error
  }
}

test('aliases stand for what they name', () => {
  expect(parseYaml('a.yaml', '[&a {b: 1}, *a]')).toMatchObject({
    items: [{ entries: [{ key: 'b' }] }, { entries: [{ key: 'b', value: { text: '1' } }] }],
  })
})

test('aliases of aliases that multiply are refused at once', () => {
  const lines = Array.from({ length: 9 }, (_, n) => `- &a${n + 1} [${Array(10).fill(`*a${n}`).join()}]`)
  const error = refusal(`- &a0 [${'x,'.repeat(9)}x]\n${lines.join('\n')}\n`)
  expect(error).toMatchObject({
    kind: 'usage',
    message: expect.stringMatching(
      /^a\.yaml:\d+:\d+: its aliases stand for more than 1000 values$/,
    ) as string,
  })
})

test('an alias of itself, and nesting without end, are refused', () => {
  expect(refusal('&a [*a]')).toMatchObject({ kind: 'usage' })
  expect(refusal('['.repeat(200_000))).toMatchObject({ kind: 'usage' })
})

test.each([
  ['[', '[1]'],
  ['{a: ', '{}'],
  ['- ', 'x'],
  ['? ', 'x'],
])('what nests without end is refused at once: %s', (level, inside) => {
  expect(() => parseYaml('a.yaml', level.repeat(100_000) + inside)).toThrow(
    'a.yaml: is nested more than 200 levels deep',
  )
  expect(parseYaml('a.yaml', '[[[[[[[[[[1]]]]]]]]]]').kind).toBe('list')
})
