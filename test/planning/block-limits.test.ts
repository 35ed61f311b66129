import { expect, test } from 'vitest'
import { resolveLimits } from '../../src/planning/bounds.ts'

const forks = { dencun: 100, genesis: 0 }
const at = (fork: string | undefined, offset: number) => ({ fork, offset })

test('numbers stay, forks become their first block, missing ends stay missing', () => {
  expect(resolveLimits({ from: undefined, to: undefined }, forks)).toEqual({})
  expect(resolveLimits({ from: at(undefined, 5), to: at('dencun', -1) }, forks)).toEqual({ from: 5, to: 99 })
  expect(resolveLimits({ from: at('dencun', 0), to: undefined }, forks)).toEqual({ from: 100 })
})

test('a table that ends before a fork at block 0 has no blocks', () => {
  expect(resolveLimits({ from: undefined, to: at('genesis', -1) }, forks)).toEqual({ to: -1 })
})

test('no table begins below block 0', () => {
  expect(resolveLimits({ from: at('genesis', -7), to: undefined }, forks)).toEqual({ from: 0 })
})

test.for(['denkun', 'toString'])('the unknown fork %s is refused with the known ones', (fork) => {
  expect(() => resolveLimits({ from: at(fork, 0), to: undefined }, forks)).toThrow(
    expect.objectContaining({
      message: expect.stringContaining(`blocks: the network has no fork '${fork}'`),
      hint: expect.stringContaining('known forks: dencun, genesis'),
    }),
  )
})
