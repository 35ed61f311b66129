// Histories that once failed, of runs that lost a lock, took one from a run that lives, or left something of a dead one behind, each by name.
import { expect, test } from 'vitest'
import { outcomes } from './outcomes.ts'

test('a run that was halted while it asked for the locks takes none from a run that lives', async () => {
  const said = await outcomes({
    seed: 179_954_841,
    isCreated: true,
    tables: ['plain', 'echo'],
    acts: [
      { at: 0, act: 'up', host: 'one', jobs: 1, chunk: 6 },
      { at: 40_530, act: 'up', host: 'one', jobs: 1, chunk: 6, only: 'echo' },
    ],
    faults: [
      { statement: 'append to the ledger', nth: 1, fault: 'slow', ms: 28_128 },
      { statement: 'append to the ledger', nth: 4, fault: 'slow', ms: 37_645 },
      { statement: 'locks', nth: 6, fault: 'stopped', ms: 20_338 },
    ],
  })
  expect(said).toEqual([expect.stringContaining('locked: echo is locked'), 'ok', 'ok'])
})

test('a run whose lock was answered late gives a sign of life at once', async () => {
  const said = await outcomes({
    seed: 1_030_370_473,
    tables: ['plain', 'echo'],
    isCreated: true,
    acts: [
      { at: 0, act: 'up', host: 'one', jobs: 3, chunk: 3 },
      { at: 10_324, act: 'up', host: 'one', jobs: 1, chunk: 6 },
    ],
    faults: [
      { statement: 'locks', nth: 3, fault: 'slow', ms: 27_826 },
      { statement: 'take a lock', nth: 1, fault: 'lost' },
    ],
  })
  expect(said).toEqual([expect.stringContaining('locked: echo is locked'), 'ok', 'ok'])
})

test('a run writes nothing into the table that a rebuild which has lost its lock puts there', async () => {
  const said = await outcomes({
    seed: 1_030_351_731,
    tables: ['plain'],
    isCreated: true,
    acts: [
      { at: 0, act: 'up', host: 'two', jobs: 2, chunk: 3 },
      { at: 33, act: 'rebuild', host: 'two', table: 'plain', dropOld: false },
    ],
    faults: [{ statement: 'rename a table', nth: 1, fault: 'stopped', ms: 21_098 }],
  })
  expect(said).toEqual([
    expect.stringContaining('the table was replaced while inserting'),
    'ok',
    'ok',
    'ok',
    'ok',
  ])
})

test('an INSERT of a dead run that arrives when its table was dropped and made anew writes nothing', async () => {
  const said = await outcomes({
    seed: 1_030_337_611,
    tables: ['total'],
    isCreated: true,
    acts: [
      { at: 0, act: 'up', host: 'one', jobs: 3, chunk: 3 },
      { at: 9824, act: 'truncate', table: 'total' },
    ],
    faults: [{ statement: 'insert', nth: 2, fault: 'killed late', ms: 197_479 }],
  })
  expect(said).toEqual(['ok'])
})

test('an answer about locks that came late is not taken for the truth: others have taken the lock since', async () => {
  const said = await outcomes({
    seed: 1_783_532_114,
    tables: ['plain', 'echo'],
    isCreated: true,
    acts: [
      { at: 0, act: 'up', host: 'one', jobs: 1, chunk: 6 },
      { at: 140_498, act: 'redo', host: 'two', table: 'plain', from: 6, to: 6, stray: false },
      { at: 147_252, act: 'redo', host: 'one', table: 'plain', from: 6, to: 6, stray: false },
    ],
    faults: [{ statement: 'locks', nth: 3, fault: 'stopped', ms: 9000 }],
  })
  expect(said).toEqual(['ok', 'ok', 'ok', 'ok'])
})

test('a run that reads the locks before another takes one, and the ledger after it, does not take that lock', async () => {
  const said = await outcomes({
    seed: 20_270_224,
    tables: ['last'],
    isCreated: true,
    acts: [
      { at: 0, act: 'up', host: 'two', jobs: 1, chunk: 6 },
      { at: 360, act: 'up', host: 'one', jobs: 2, chunk: 3 },
    ],
    faults: [{ statement: 'highest epochs of the ledger', nth: 1, fault: 'lost meanwhile' }],
  })
  expect(said).toEqual([expect.stringContaining('locked: last is locked by process 2'), 'ok', 'ok'])
})

test('a run whose lock is created long before its answer comes is not taken for dead', async () => {
  const said = await outcomes({
    seed: 717,
    tables: ['plain', 'echo'],
    isCreated: true,
    acts: [
      { at: 0, act: 'up', host: 'one', jobs: 1, chunk: 3 },
      { at: 300, act: 'up', host: 'two', jobs: 1, chunk: 3 },
    ],
    faults: [
      { statement: 'take a lock', nth: 1, fault: 'old', ms: 17_000 },
      { statement: 'insert', nth: 1, fault: 'old', ms: 30_000 },
    ],
  })
  expect(said).toEqual([expect.stringContaining('locked: echo is locked by process 1'), 'ok', 'ok'])
})

test('a run whose lock is renewed long before its answer comes is taken for dead, and says so', async () => {
  const said = await outcomes({
    seed: 82_493_180,
    tables: ['plain'],
    isCreated: true,
    acts: [
      { at: 0, act: 'up', host: 'one', jobs: 1, chunk: 6 },
      { at: 11_159, act: 'redo', host: 'one', table: 'plain', from: 1, to: 1, stray: false },
      { at: 27_821, act: 'adopt', host: 'one', table: 'plain', known: true },
    ],
    faults: [{ statement: 'take a lock', nth: 3, fault: 'old', ms: 39_486 }],
  })
  expect(said).toEqual([
    'ok',
    expect.stringContaining('no blocks to adopt'),
    expect.stringContaining('plain is locked by process 3'),
    'ok',
    'ok',
    'ok',
    'ok',
  ])
})

test('a run that begins while another creates its tables finds their columns, too', async () => {
  const said = await outcomes({
    seed: 1_795_943_623,
    tables: ['plain'],
    isCreated: false,
    acts: [
      { at: 0, act: 'up', host: 'two', jobs: 1, chunk: 6 },
      { at: 518, act: 'up', host: 'two', jobs: 1, chunk: 6 },
    ],
    faults: [],
  })
  expect(said).toEqual([expect.stringContaining('locked: plain is locked by process 1'), 'ok', 'ok'])
})

test('a deletion of a dead run does not hang in the old table of a rebuild', async () => {
  const said = await outcomes({
    seed: 1_783_451_679,
    tables: ['plain'],
    isCreated: true,
    acts: [
      { at: 0, act: 'up', host: 'one', jobs: 1, chunk: 6 },
      { at: 602, act: 'up', host: 'one', jobs: 1, chunk: 6, only: 'plain' },
      { at: 6118, act: 'rebuild', host: 'one', table: 'plain', dropOld: false },
    ],
    faults: [
      { statement: 'append to the ledger', nth: 2, fault: 'killed late', ms: 43_247 },
      { statement: 'delete', nth: 1, fault: 'killed meanwhile' },
    ],
  })
  expect(said).toContain('ok')
})

test('a rebuild drops what the late RENAME of a dead one has kept from it', async () => {
  const said = await outcomes({
    seed: 1_783_459_481,
    tables: ['plain'],
    isCreated: true,
    acts: [
      { at: 186, act: 'rebuild', host: 'one', table: 'plain', dropOld: false },
      { at: 1048, act: 'rebuild', host: 'one', table: 'plain', dropOld: false },
    ],
    faults: [{ statement: 'rename a table', nth: 1, fault: 'killed late', ms: 1300 }],
  })
  expect(said).toContain('ok')
})
