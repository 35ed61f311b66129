// Histories of adoptions that once failed, each by name.
import { expect, test } from 'vitest'
import type { Act } from './acts.ts'
import { outcomes } from './outcomes.ts'

const UP: Act = { at: 0, act: 'up', host: 'one', jobs: 1, chunk: 6 }
const MADE: Act = { at: 20_000, act: 'restore', table: 'plain', by: 'script', block: 1 }
const ADOPT: Act = { at: 21_000, act: 'adopt', host: 'one', table: 'plain', known: false }

test('a redo of rows that were adopted deletes them first', async () => {
  const said = await outcomes({
    seed: 199,
    tables: ['plain'],
    isCreated: true,
    acts: [MADE, ADOPT, { at: 45_000, act: 'redo', host: 'one', table: 'plain', from: 4, to: 6 }],
    faults: [],
  })
  expect(said).toEqual(['adopted', 'ok', 'ok', 'ok', 'ok', 'ok'])
})

test('of an adoption that is killed while it records, all is recorded or nothing', async () => {
  const said = await outcomes({
    seed: 2028,
    tables: ['plain'],
    isCreated: true,
    acts: [UP, MADE, ADOPT],
    faults: [{ statement: 'append to the ledger', nth: 4, fault: 'killed after' }],
  })
  expect(said).toEqual(['ok', 'ok', 'ok', 'ok', 'ok'])
})

test('a source row that is written again after an adoption has compared is found by verify --sources', async () => {
  const said = await outcomes({
    seed: 1,
    tables: ['plain'],
    isCreated: true,
    acts: [MADE, ADOPT, { at: 30_000, act: 'rewrite', block: 3 }],
    faults: [{ statement: 'comparison of a range', nth: 3, fault: 'old', ms: 20_000 }],
  })
  expect(said).toEqual(['adopted', 'ok', 'ok', 'ok', 'ok'])
})

test('a row that is lost is not explained by a neighbour whose source row was written again', async () => {
  const said = await outcomes({
    seed: 2469,
    tables: ['plain'],
    isCreated: true,
    acts: [
      UP,
      { at: 16_000, act: 'rewrite', block: 1 },
      { at: 17_000, act: 'redo', host: 'two', table: 'plain', from: 3, to: 5 },
      { ...MADE, at: 57_000, spoilt: 'lacking', block: 3 },
      { ...ADOPT, at: 66_000, known: true },
    ],
    faults: [],
  })
  expect(said.slice(0, 3)).toEqual(['ok', 'ok', 'different'])
})

test('rows that the earlier table did not have are not adopted with it where they would stand beside those of a run', async () => {
  const said = await outcomes({
    seed: 6945,
    tables: ['plain'],
    isCreated: true,
    acts: [{ ...UP, chunk: 2 }, MADE, { ...ADOPT, known: true }],
    faults: [{ statement: 'append to the ledger', nth: 2, fault: 'killed after' }],
  })
  expect(said[0]).toContain('has 4 rows in blocks that the ledger does not know')
  expect(said.slice(1)).toEqual(['adopted', 'ok', 'ok', 'ok', 'ok'])
})

test.each([
  ['a DELETE comes before the lock is taken', 11, { statement: 'delete', nth: 1, ms: 22_750 }],
  ['an INSERT comes before the lock is taken', 8, { statement: 'insert', nth: 2, ms: 22_000 }],
  ['a DELETE still waits after that', 35, { statement: 'delete', nth: 1, ms: 28_750 }],
  ['an INSERT still writes after that', 53, { statement: 'insert', nth: 2, ms: 33_250 }],
] as const)(
  'an adoption compares what it records, also where a dead run has sent something to the table before: %s',
  async (_, seed, fault) => {
    const said = await outcomes({
      seed,
      tables: ['plain'],
      isCreated: true,
      acts: [
        UP,
        { at: 22_000, act: 'redo', host: 'one', table: 'plain', from: 2, to: 4 },
        { ...MADE, at: 46_000 },
        { ...ADOPT, host: 'two', at: 47_000 },
      ],
      faults: [{ ...fault, fault: 'killed late' }],
    })
    expect(said.slice(2)).toContain('ok')
  },
)

test('an adoption refuses rows of a block that is being built again in its input, though all is right a moment later', async () => {
  const said = await outcomes({
    seed: 1687085672,
    tables: ['plain', 'echo'],
    isCreated: true,
    acts: [
      { ...UP, jobs: 3, chunk: 6 },
      { at: 1_814, act: 'kill', runner: 0 },
      { at: 5_203, act: 'restore', table: 'echo', by: 'backup', block: 4 },
      { at: 55_045, act: 'up', host: 'one', jobs: 2, chunk: 2 },
      { at: 163_335, act: 'redo', host: 'one', table: 'plain', from: 4, to: 4, stray: true },
    ],
    faults: [
      { statement: 'keep SQL', nth: 1, fault: 'refused', code: 202 },
      { statement: 'changes of inputs', nth: 2, fault: 'old', ms: 9_793 },
      { statement: 'append to the ledger', nth: 5, fault: 'unsent' },
      { statement: 'beat or release a lock', nth: 3, fault: 'killed late', ms: 417_988 },
      { statement: 'last positions', nth: 1, fault: 'refused', code: 252 },
    ],
  })
  expect(said).toContain('different')
})
