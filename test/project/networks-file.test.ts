import { expect, test } from 'vitest'
import { parseNetworks } from '../../src/project/networks-file.ts'

test('a network has forks, a length of source gaps and block coverages, with defaults for the last two', () => {
  const text = `\ufeff{ "a_1": { "forks": { "dencun": 0 }, "source-gap-blocks": 5, "block-coverage": { "logs": "sparse" } }, "b": { "forks": {} } }`
  expect(parseNetworks('n.json', text)).toEqual([
    { name: 'a_1', forks: { dencun: 0 }, sourceGapBlocks: 5, blockCoverage: { logs: 'sparse' } },
    { name: 'b', forks: {}, sourceGapBlocks: 1000, blockCoverage: {} },
  ])
})

test('networks are called as devnets are, with hyphens', () => {
  const names = ['fusaka-devnet-3', 'pectra-devnet-6', 'a_b-c', '4844-devnet-5']
  const text = JSON.stringify(Object.fromEntries(names.map((name) => [name, { forks: {} }])))
  expect(parseNetworks('n.json', text).map(({ name }) => name)).toEqual(names)
})

test.for<[string, string]>([
  ['{', 'n.json: is not JSON: '],
  ['[]', 'n.json: the content is []'],
  ['{ "a": 5 }', "n.json: 'a' is 5"],
  ['{ "a": {} }', "n.json: 'a.forks' is missing"],
  ['{ "a__b": { "forks": {} } }', "n.json: 'a__b' is not the name of a network"],
  ['{ "a--b": { "forks": {} } }', "n.json: 'a--b' is not the name of a network"],
  ['{ "a-": { "forks": {} } }', "n.json: 'a-' is not the name of a network"],
  ['{ "A": { "forks": {} } }', "n.json: 'A' is not the name of a network"],
  ['{ "a": { "forks": {}, "hole_blocks": 5 } }', "n.json: 'a.hole_blocks' is unknown"],
  ['{ "a": { "forks": { "x": "5" } } }', `n.json: 'a.forks.x' is "5"`],
  ['{ "a": { "forks": { "x": -1 } } }', "n.json: 'a.forks.x' is -1"],
  ['{ "a": { "forks": { "x": 1.5 } } }', "n.json: 'a.forks.x' is 1.5"],
  ['{ "a": { "forks": { "x": 1e400 } } }', "n.json: 'a.forks.x' is Infinity"],
  ['{ "a": { "forks": { "X": 1 } } }', "n.json: 'a.forks.X' is not the name of a fork"],
  [
    '{ "a": { "forks": { "from_block": 1 } } }',
    "n.json: 'a.forks.from_block' is the name of a parameter of the program",
  ],
  ['{ "a": { "forks": {}, "source-gap-blocks": 0 } }', "n.json: 'a.source-gap-blocks' is 0"],
  [
    '{ "a": { "forks": {}, "block-coverage": { "logs": "thin" } } }',
    `n.json: 'a.block-coverage.logs' is "thin"`,
  ],
])('%s is refused with file and key', ([text, message]) => {
  expect(() => parseNetworks('n.json', text)).toThrow(message)
})

const withForks = (text: string) => `{ "a": { "forks": { ${text} } }, "b": { "forks": { "x": 1 } } }`

test('a key that stands twice is refused, and the same key elsewhere is not', () => {
  expect(() => parseNetworks('n.json', withForks('"x": 1, "y": 2'))).not.toThrow()
  expect(() => parseNetworks('n.json', withForks('"x": 1, "\\u0078": 2'))).toThrow(
    'n.json: has the key "x" twice',
  )
  expect(() => parseNetworks('n.json', '{ "a": { "forks": {} }, "a": { "forks": {} } }')).toThrow(
    'n.json: has the key "a" twice',
  )
})
