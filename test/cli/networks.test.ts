// Owns the promise that a fork's name is a position: its first block on the network.
import { expect, test } from 'vitest'
import { readCommandLine } from '../../src/cli/command-line.ts'
import { withForkBlocks } from '../../src/cli/fork-positions.ts'
import { readConfig } from '../../src/workspace/config.ts'

async function positions(words: string): Promise<Readonly<Record<string, string>>> {
  const invocation = readCommandLine(words.split(' '))
  if (invocation.kind !== 'command') throw new Error(`${words} is no command`)
  const { entry, flags } = invocation
  const config = readConfig({ flags, environment: {}, folder: '/' })
  const found = await withForkBlocks(flags, entry, config)
  return Object.fromEntries([...found].map(([name, { text }]) => [name, text]))
}

test.each([
  ['up --from dencun', { from: '19426587' }],
  ['up --from dencun-10 --to dencun+5', { from: '19426577', to: '19426592' }],
  ['up --network sepolia --from spurious_dragon-1', { network: 'sepolia', from: '0' }],
  ['run --all --start-block dencun --end-block 20_000_000', { all: '', from: '19426587', to: '20_000_000' }],
  ['status --at dencun', { at: '19426587' }],
  ['up --from 7 --order newest', { from: '7', order: 'newest' }],
])('`%s` has the positions %j', async (words, expected) => {
  expect(await positions(words)).toEqual(expected)
})

test('a name that is no fork of the network is refused, with the forks that there are', async () => {
  await expect(positions('up --from denkun')).rejects.toThrow(
    expect.objectContaining({
      message: "--from must be a block number or a fork of mainnet, got 'denkun'",
      hint: "did you mean 'dencun'? known forks: spurious_dragon, dencun",
      kind: 'usage',
    }),
  )
})
