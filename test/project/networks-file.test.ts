import { expect, test } from 'vitest'
import { parseNetworks } from '../../src/project/networks-file.ts'

test('a network has forks, a length of holes and densities, with defaults for the last two', () => {
  const text = `\ufeff{ "a_1": { "forks": { "dencun": 0 }, "hole-blocks": 5, "density": { "logs": "sparse" } }, "b": { "forks": {} } }`
  expect(parseNetworks('n.json', text)).toEqual([
    { name: 'a_1', forks: { dencun: 0 }, holeBlocks: 5, density: { logs: 'sparse' } },
    { name: 'b', forks: {}, holeBlocks: 1000, density: {} },
  ])
})

test.for<[string, string]>([
  ['{', 'n.json: is not JSON: '],
  ['[]', 'n.json: the content is []'],
  ['{ "a": 5 }', "n.json: 'a' is 5"],
  ['{ "a": {} }', "n.json: 'a.forks' is missing"],
  ['{ "a__b": { "forks": {} } }', "n.json: 'a__b' is no name of a network"],
  ['{ "A": { "forks": {} } }', "n.json: 'A' is no name of a network"],
  ['{ "a": { "forks": {}, "hole_blocks": 5 } }', "n.json: 'a.hole_blocks' is unknown"],
  ['{ "a": { "forks": { "x": "5" } } }', `n.json: 'a.forks.x' is "5"`],
  ['{ "a": { "forks": { "x": -1 } } }', "n.json: 'a.forks.x' is -1"],
  ['{ "a": { "forks": { "x": 1.5 } } }', "n.json: 'a.forks.x' is 1.5"],
  ['{ "a": { "forks": { "from_block": 1 } } }', "n.json: 'a.forks.from_block' is no name of a fork"],
  ['{ "a": { "forks": {}, "hole-blocks": 0 } }', "n.json: 'a.hole-blocks' is 0"],
  ['{ "a": { "forks": {}, "density": { "logs": "thin" } } }', `n.json: 'a.density.logs' is "thin"`],
])('%s is refused with file and key', ([text, message]) => {
  expect(() => parseNetworks('n.json', text)).toThrow(message)
})
