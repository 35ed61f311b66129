// Histories of simulated runs that once failed, each by name.
import { expect, test } from 'vitest'
import { outcomes } from './outcomes.ts'
import { play } from './play.ts'

test('a run that reads the ledger long after the tables does not call a table truncated that another run fills meanwhile', async () => {
  const said = await outcomes({
    seed: 1,
    tables: ['plain'],
    acts: [
      { at: 0, act: 'up', host: 'two', jobs: 1, chunk: 3 },
      { at: 64, act: 'up', host: 'two', jobs: 1, chunk: 6 },
    ],
    faults: [
      { statement: 'insert', nth: 2, fault: 'slow', ms: 39_000 },
      { statement: 'tails of the ledger', nth: 2, fault: 'slow', ms: 30_000 },
    ],
  })
  expect(said).toEqual([expect.stringContaining('locked: plain is locked'), 'ok', 'ok'])
})

test('a DELETE that a proxy delivers once more takes no rows that were built again since', async () => {
  const said = await outcomes({
    seed: 11_115,
    tables: ['plain'],
    acts: [{ at: 0, act: 'up', host: 'one', jobs: 1, chunk: 3 }],
    faults: [
      { statement: 'insert', nth: 1, fault: 'partly', code: 252 },
      { statement: 'delete', nth: 1, fault: 'twice', ms: 2798 },
    ],
  })
  expect(said).toEqual(['ok', 'ok'])
})

test('a question about a lost INSERT that the server is too full to answer says nothing of the INSERT, which may still arrive', async () => {
  const said = await outcomes({
    seed: 474_662_981,
    tables: ['plain', 'echo'],
    acts: [{ at: 0, act: 'up', host: 'one', jobs: 2, chunk: 2 }],
    faults: [
      { statement: 'insert', nth: 3, fault: 'late', ms: 672 },
      { statement: 'running statements', nth: 1, fault: 'refused', code: 241 },
      { statement: 'running statements', nth: 2, fault: 'unsent' },
    ],
  })
  expect(said).toEqual(['ok', 'ok'])
})

test('a run that was stopped before it had its lock writes nothing into the table that a rebuild has put there meanwhile', async () => {
  const said = await outcomes({
    seed: 2450,
    tables: ['plain'],
    acts: [
      { at: 0, act: 'up', host: 'one', jobs: 1, chunk: 6 },
      { at: 788, act: 'stop', runner: 0, ms: 5401 },
      { at: 2682, act: 'rebuild', host: 'one', table: 'plain', dropOld: false },
    ],
    faults: [],
  })
  // Its last runs are those that look for late rows and build them again.
  const replaced = expect.stringContaining('plain was replaced before plain was locked')
  expect(said).toEqual([replaced, 'ok', 'ok', 'ok', 'ok'])
})

test('a table is not computed from what is left of an input from which a redo takes blocks after the run has read which there are', async () => {
  const said = await outcomes({
    seed: 1,
    tables: ['plain', 'echo'],
    isCreated: true,
    acts: [
      { at: 0, act: 'up', host: 'one', jobs: 1, chunk: 3, only: 'plain' },
      { at: 20_000, act: 'rewrite', block: 3 },
      { at: 21_000, act: 'verify sources', host: 'one' },
      { at: 40_000, act: 'up', host: 'one', jobs: 1, chunk: 6 },
      { at: 41_000, act: 'redo stale', host: 'two' },
    ],
    faults: [
      { statement: 'take a lock', nth: 3, fault: 'slow', ms: 10_000 },
      { statement: 'insert', nth: 3, fault: 'slow', ms: 39_000 },
    ],
  })
  expect(said).toContainEqual(
    expect.stringContaining('blocks 1-3 of plain were taken out before blocks 1-6 of echo were computed'),
  )
})

test('redo --stale finishes a rebuild that was killed after its exchange, and builds the table again if that is stale, too', async () => {
  await outcomes({
    seed: 700_255,
    tables: ['last'],
    acts: [
      { at: 0, act: 'up', host: 'one', jobs: 1, chunk: 6 },
      { at: 6974, act: 'rebuild', host: 'two', table: 'last', dropOld: false },
      { at: 32_224, act: 'rewrite', block: 5 },
    ],
    faults: [{ statement: 'exchange tables', nth: 1, fault: 'killed meanwhile' }],
  })
})

test.each(['plain', 'last'] as const)(
  'what a killed rebuild of %s has built from rows that were written again since does not take the place of the table',
  async (table) => {
    const { broken, trace } = await play({
      seed: 901_345,
      tables: [table],
      acts: [
        { at: 0, act: 'up', host: 'two', jobs: 1, chunk: 6 },
        { at: 60_000, act: 'rebuild', host: 'two', table, dropOld: false },
        { at: 100_000, act: 'rewrite', block: 5 },
        { at: 101_000, act: 'verify sources', host: 'two' },
        { at: 140_000, act: 'rebuild', host: 'two', table, dropOld: true },
      ],
      faults: [{ statement: 'rename a table', nth: 1, fault: 'killed meanwhile' }],
    })
    expect(broken).toEqual([])
    // At the end nothing late is found: it was built from the rows of then.
    const end = trace.findIndex((line) => line.includes('verify --sources on host three'))
    expect(trace.slice(end).filter((line) => line.includes('append to the ledger'))).toEqual([])
  },
)

test('a rebuild that has slept while a redo took two epochs of its lock exchanges nothing', async () => {
  const said = await outcomes({
    seed: 5620,
    tables: ['plain'],
    isCreated: true,
    acts: [
      { at: 0, act: 'up', host: 'one', jobs: 1, chunk: 6 },
      { at: 22_974, act: 'rebuild', host: 'two', table: 'plain', dropOld: false },
      { at: 25_032, act: 'redo', host: 'one', table: 'plain', from: 1, to: 1 },
    ],
    faults: [{ statement: 'comparison of a range', nth: 1, fault: 'stopped', ms: 22_070 }],
  })
  expect(said).toContainEqual(expect.stringContaining('locked: plain is locked by process 3'))
})

test('a rebuild says in plain words that what it continues was renamed meanwhile, by a dead one', async () => {
  const said = await outcomes({
    seed: 20_001_280,
    tables: ['plain'],
    acts: [
      { at: 0, act: 'up', host: 'two', jobs: 1, chunk: 6 },
      { at: 2_625, act: 'rebuild', host: 'two', table: 'plain', dropOld: true },
      { at: 3_002, act: 'rebuild', host: 'two', table: 'plain', dropOld: false },
    ],
    faults: [{ statement: 'rename a table', nth: 1, fault: 'killed late', ms: 502 }],
  })
  expect(said).toContainEqual(expect.stringContaining('somebody renamed or dropped plain__rebuild_'))
})

test('a rebuild whose lost EXCHANGE comes after it has looked for it does not exchange the tables back', async () => {
  const said = await outcomes({
    seed: 5493,
    tables: ['plain'],
    isCreated: true,
    acts: [{ at: 113, act: 'rebuild', host: 'two', table: 'plain', dropOld: true }],
    faults: [
      { statement: 'rename a table', nth: 2, fault: 'slow', ms: 6385 },
      { statement: 'exchange tables', nth: 1, fault: 'late', ms: 2067 },
    ],
  })
  expect(said).toEqual(['ok', 'ok', 'ok', 'ok'])
})

test('a deletion of a dead run that meets the table which took the place of its own does not hang there', async () => {
  const said = await outcomes({
    seed: 1_067_344_789,
    tables: ['plain', 'echo'],
    isCreated: true,
    acts: [
      { at: 0, act: 'up', host: 'two', jobs: 2, chunk: 3 },
      { at: 4211, act: 'truncate', table: 'plain' },
      { at: 5440, act: 'up', host: 'two', jobs: 1, chunk: 6 },
    ],
    faults: [
      { statement: 'delete', nth: 1, fault: 'late', ms: 160_673 },
      { statement: 'insert', nth: 3, fault: 'partly, lost', code: 241 },
      { statement: 'insert', nth: 1, fault: 'slow', ms: 10_452 },
      { statement: 'delete', nth: 2, fault: 'killed late', ms: 174_573 },
    ],
  })
  expect(said.at(-1)).toBe('ok')
})

test('redo --stale of a table that reads its own rows builds again what follows, too', async () => {
  await outcomes({
    seed: 522,
    tables: ['total'],
    acts: [
      { at: 0, act: 'up', host: 'one', jobs: 1, chunk: 3 },
      { at: 78_988, act: 'rewrite', block: 1 },
      { at: 124_391, act: 'redo stale', host: 'one' },
    ],
    faults: [],
  })
})

test('a run whose table is dropped just after it has looked for it says so', async () => {
  const said = await outcomes({
    seed: 20_078,
    tables: ['plain'],
    acts: [
      { at: 0, act: 'up', host: 'one', jobs: 1, chunk: 6 },
      { at: 560, act: 'replace', table: 'plain' },
    ],
    faults: [],
  })
  expect(said).toEqual([expect.stringContaining('plain was dropped before plain was locked'), 'ok'])
})

test('a run of a table without sources asks for the parts of none', async () => {
  const said = await outcomes({
    seed: 50_938,
    tables: ['plain', 'echo'],
    acts: [{ at: 0, act: 'up', host: 'one', jobs: 1, chunk: 3 }],
    faults: [
      { statement: 'take a lock', nth: 2, fault: 'lost meanwhile' },
      { statement: 'digest of a range', nth: 4, fault: 'unsent' },
    ],
  })
  expect(said).toEqual(['ok', 'ok'])
})

test('redo --stale of a table that was restored without some rows builds all that was recorded with them', async () => {
  await outcomes({
    seed: 1_796_019_842,
    tables: ['plain'],
    acts: [
      { at: 0, act: 'up', host: 'one', jobs: 1, chunk: 6 },
      { at: 15_526, act: 'rewrite', block: 3 },
      { at: 26_615, act: 'redo', host: 'one', table: 'plain', from: 4, to: 4, stray: false },
      { at: 41_790, act: 'restore', table: 'plain', by: 'backup', block: 3, spoilt: 'lacking' },
      { at: 41_934, act: 'adopt', host: 'one', table: 'plain', known: true },
    ],
    faults: [],
  })
})
