// Owns the promise that a range is stale exactly if what it was computed from is another one now: random histories of
// random graphs of tables against a model that remembers for each block what was read.
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { BLOCKS, KEYS, LAST, someAct, someTable } from '../support/simulated-table.ts'
import { sameSince } from '../../src/ledger/unchanged.ts'
import { Simulation } from '../support/simulated-tables.ts'
import { type PresentInput, staleVersions } from '../../src/ledger/staleness.ts'

test('after any history a block is stale exactly if its SQL, fork or limits are others now, or an input’s rows were written again and are not known to be the same', async () => {
  const seen = new Map<string, number>()
  /** Blocks whose inputs were written again: known to be the same, and not known. */
  const again = { same: 0, unknown: 0 }
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
            const [found, least] = [await simulation.found(key), simulation.expected(key, 'rows')]
            const most = simulation.expected(key, 'writes')
            for (const block of simulation.outdated(key))
              expect(found.has(block), `${key} ${block} is not what it would be now`).toBe(true)
            // A block whose inputs were written again may be either, if their rows are the same.
            for (const block of BLOCKS) {
              const [low, high] = [least.get(block) ?? [], most.get(block) ?? []]
              const reasons = found.get(block) ?? []
              expect([low, high]).toContainEqual(reasons)
              if (low.length < high.length) again[reasons.length === low.length ? 'same' : 'unknown']++
              if (reasons.length > 0) seen.set(reasons.join(), (seen.get(reasons.join()) ?? 0) + 1)
            }
          }
        }
      },
    ),
    { numRuns: 150 },
  )
  // Each reason was met alone, and some with others.
  for (const reason of ['sql', 'forks', 'limits', 'inputs']) expect(seen.get(reason)).toBeGreaterThan(20)
  expect(seen.size).toBeGreaterThan(8)
  expect(again.same).toBeGreaterThan(10)
  expect(again.unknown).toBeGreaterThan(10)
})

test('rows that were written again in other chunks and are the same make nothing stale; one other row does', async () => {
  const plain = { perKey: false, use: undefined, limits: { from: 1, to: LAST } }
  const none = [false, false, false] as [boolean, boolean, boolean]
  const simulation = new Simulation([
    { ...plain, reads: none },
    { ...plain, reads: [true, false, false] },
    { ...plain, reads: none },
    { ...plain, reads: none },
  ])
  const a = simulation.tables.get('a')!
  for (const from of [1, 3, 6, 8])
    simulation.run('a', { from, to: [2, 5, 7, 9][[1, 3, 6, 8].indexOf(from)]! })
  simulation.run('b', { from: 1, to: LAST })
  const stale = async () => [...(await simulation.found('b')).keys()]
  simulation.redo('a', { from: 1, to: 7 })
  expect(await stale()).toEqual([])
  await simulation.checkpoint('b')
  expect(await stale()).toEqual([])
  // A part of a range was written again: of the part and of the rest nothing is known.
  simulation.redo('a', { from: 3, to: 3 })
  expect(await stale()).toEqual([3])
  simulation.redo('a', { from: 1, to: 7 })
  expect(await stale()).toEqual([])
  a.sql++
  simulation.redo('a', { from: 8, to: 9 })
  expect(await stale()).toEqual([8, 9])
  a.sql++
  simulation.redo('a', { from: 8, to: 9 })
  expect(await stale()).toEqual([])
})

test('what was read between the deletion and the new rows is stale', async () => {
  const range = { from: 1, to: 4 }
  const digest = { rows: 4, sum: '7', columns: 'c' }
  const same = sameSince([
    { range, position: [1, 1], digest },
    { range, position: [2, 1], digest: undefined },
    { range, position: [2, 2], digest },
  ])
  expect(same([1, 1])).toEqual([range])
  expect(same([2, 1])).toEqual([])
  expect(same([2, 2])).toEqual([range])
})

test('a digest that leaves columns out, or is of other columns, does not say that rows are the same', async () => {
  const range = { from: 1, to: 4 }
  const of = (before: string, after: string) =>
    sameSince([
      { range, position: [1, 1], digest: { rows: 4, sum: '7', columns: before } },
      { range, position: [2, 1], digest: { rows: 4, sum: '7', columns: after } },
    ])([1, 1])
  expect(of('c', 'c')).toEqual([range])
  expect(of('partial-c', 'partial-c')).toEqual([])
  expect(of('c', 'd')).toEqual([])
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

test('what was read of an input under its earlier key is stale, for its events count under the new one', () => {
  const uuid = '6f1c0a52-0000-4000-8000-000000000001'
  const range = { from: 1, to: 4 }
  const input: PresentInput = { uuid, perKey: false, expected: [range], readable: [range], changes: [] }
  const staleBy = (text: string, inputs: Record<string, PresentInput>) =>
    staleVersions([{ ...range, state: 'done', sqlHash: 'sql1', forks: '', inputs: text }], {
      sqlHash: 'sql1',
      forks: {},
      forkUses: [],
      limits: {},
      inputs: new Map(Object.entries(inputs)),
    }).map(({ reasons, blocks }) => [reasons, blocks])
  expect(staleBy(`gas=${uuid}@1.2`, { gas: input })).toEqual([])
  expect(staleBy(`gas=${uuid}@1.2`, { gas_used: input })).toEqual([[['inputs'], [range]]])
  expect(staleBy(`gas=${uuid}@1.2`, { gas: input, fees: input })).toEqual([[['inputs'], [range]]])
  // Its own rows were none yet, and a ledger of an older version knows nothing.
  expect(staleBy(`gas=${uuid}@1.2`, { gas: input, sum: { ...input, own: true } })).toEqual([])
  expect(staleBy('', { gas: input })).toEqual([])
})
