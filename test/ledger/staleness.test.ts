// Owns the promise that a range is stale exactly if what it was computed from is another one now: random histories of
// random graphs of tables against a model that remembers for each block what was read.
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { BLOCKS, KEYS, LAST, someAct, someTable } from '../support/simulated-table.ts'
import { Simulation } from '../support/simulated-tables.ts'

test('after any history a block is stale exactly if its SQL, fork, limits or an input’s version is another one now', async () => {
  const seen = new Map<string, number>()
  await fc.assert(
    fc.asyncProperty(
      fc.tuple(someTable, someTable, someTable, someTable),
      fc.array(someAct, { minLength: 5, maxLength: 40, size: 'max' }),
      async (tables, acts) => {
        const simulation = new Simulation(tables)
        for (const key of KEYS) simulation.run(key, { from: 1, to: LAST })
        for (const one of acts) {
          if (one.act === 'fork') simulation.fork = one.first
          else {
            const table = simulation.tables.get(one.key)!
            if (one.act === 'run') simulation.run(one.key, one.range)
            if (one.act === 'redo') simulation.redo(one.key, one.range)
            if (one.act === 'checkpoint') await simulation.checkpoint(one.key)
            if (one.act === 'edit') table.sql++
            if (one.act === 'limit') table.limits = one.range
            if (one.act === 'truncate') table.emptied = table.read.size > 0
            if (one.act === 'replace' || one.act === 'rebuild') simulation.replace(one.key)
            if (one.act === 'rebuild') simulation.run(one.key, { from: 1, to: LAST })
          }
          for (const key of KEYS) {
            const expected = simulation.expected(key)
            expect(await simulation.found(key)).toEqual(expected)
            for (const reasons of expected.values())
              seen.set(reasons.join(), (seen.get(reasons.join()) ?? 0) + 1)
          }
        }
      },
    ),
    { numRuns: 150 },
  )
  // Each reason was met alone, and some with others.
  for (const reason of ['sql', 'forks', 'limits', 'inputs']) expect(seen.get(reason)).toBeGreaterThan(20)
  expect(seen.size).toBeGreaterThan(8)
})

test('after a checkpoint all ranges that are not stale were computed from one version of each input, so they are one island', async () => {
  const plain = { perKey: false, use: undefined, limits: { from: 1, to: LAST } }
  const simulation = new Simulation([
    { ...plain, reads: [false, false, false] },
    { ...plain, reads: [true, false, false] },
    { ...plain, reads: [false, false, false] },
    { ...plain, reads: [false, false, false] },
  ])
  for (const block of BLOCKS)
    for (const key of ['a', 'b'] as const) simulation.run(key, { from: block, to: block })
  const islands = () => simulation.ledger.islands('b', simulation.tables.get('b')!.uuid)
  expect(islands().length).toBe(LAST)
  await simulation.checkpoint('b')
  expect(islands().length).toBe(1)
  simulation.redo('a', { from: 5, to: 6 })
  await simulation.checkpoint('b')
  expect(islands().map(({ from, to, sqlHash }) => [from, to, sqlHash])).toEqual([
    [1, 4, 'sql1'],
    [5, 6, 'inputs-sql1'],
    [7, LAST, 'sql1'],
  ])
  expect(islands()[0]!.inputs).toBe(islands()[2]!.inputs)
})
