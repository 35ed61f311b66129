import { expect, test } from 'vitest'
import type { TableDefinition } from '../../src/model/model.ts'
import type { Capacity } from '../../src/clickhouse/capacity.ts'
import type { TargetTable } from '../../src/targets/target.ts'
import {
  NO_PACE,
  type Throughput,
  DEFAULT_CHUNK_ROWS,
  sizingOf,
  type SizingQuestion,
  slotsFor,
  startSmall,
} from '../../src/planning/sizing.ts'

const capacity = (more: Partial<Capacity> = {}): Capacity => ({
  cores: 4,
  busyCores: 0,
  statementBytes: undefined,
  serverBytes: undefined,
  ...more,
})
const auto = { jobs: undefined, tableJobs: undefined }

const jobs = (cores: number, busyCores: number) => slotsFor(auto, capacity({ cores, busyCores })).jobs

test('statements at once follow the cores that are idle, from one to eight', () => {
  expect([1, 2, 4, 8, 16, 64].map((cores) => jobs(cores, 0))).toEqual([1, 2, 2, 4, 8, 8])
  expect(jobs(8, 6.2)).toBe(2)
  expect(jobs(8, 20)).toBe(1)
})

test('what was asked for counts, and a table may use all of it', () => {
  expect(slotsFor({ jobs: 3, tableJobs: undefined }, capacity())).toEqual({ jobs: 3, tableJobs: 3 })
  expect(slotsFor({ jobs: 3, tableJobs: 1 }, capacity())).toEqual({ jobs: 3, tableJobs: 1 })
})

const throughput = (more: Partial<Throughput> = {}): Throughput => ({
  expected: 1_000_000,
  written: 1_000_000,
  elapsedMs: 1_000,
  bytesPerRow: 0,
  ...more,
})
const rowsOf = (more: Partial<SizingQuestion> & { readonly header?: number } = {}) => {
  const sizing = sizingOf({
    table: { chunk: more.header } as TableDefinition,
    options: { chunk: undefined, chunkRows: undefined },
    rowEstimates: [],
    throughput: NO_PACE,
    inputs: [],
    jobs: 2,
    capacity: capacity(),
    tooBig: undefined,
    ...more,
  })
  return 'rows' in sizing ? sizing.rows : sizing
}

test('--chunk beats --chunk-rows, which beats the header, which beats the default', () => {
  expect(rowsOf()).toBe(DEFAULT_CHUNK_ROWS)
  expect(rowsOf({ header: 7 })).toEqual({ blocks: 7 })
  expect(rowsOf({ header: 7, options: { chunk: undefined, chunkRows: 99 } })).toBe(99)
  expect(rowsOf({ header: 7, options: { chunk: 5, chunkRows: 99 } })).toEqual({ blocks: 5 })
})

test('a chunk takes half of the memory that a statement may have, the server shared by all that run at once', () => {
  const heavy = { throughput: throughput({ bytesPerRow: 1_000 }) }
  expect(rowsOf({ ...heavy, capacity: capacity({ statementBytes: 4e9 }) })).toBe(2_000_000)
  expect(rowsOf({ ...heavy, capacity: capacity({ serverBytes: 4e9 }) })).toBe(1_000_000)
  expect(rowsOf({ ...heavy, capacity: capacity({ serverBytes: 4e9 }), jobs: 1 })).toBe(2_000_000)
})

test('the default grows with the cores of a statement, up to eight times, and as far as memory surely allows', () => {
  const rows = (cores: number, more: Partial<Capacity> = {}) =>
    rowsOf({ jobs: 8, capacity: capacity({ cores, ...more }) }) as number
  expect([2, 16, 32, 64, 128, 512].map((cores) => rows(cores) / DEFAULT_CHUNK_ROWS)).toEqual([
    1, 1, 2, 4, 8, 8,
  ])
  expect(rows(64, { serverBytes: 256e9 })).toBe(4 * DEFAULT_CHUNK_ROWS)
  expect(rows(64, { serverBytes: 64e9 })).toBe(8_000_000)
  expect(rows(64, { serverBytes: 8e9 })).toBe(DEFAULT_CHUNK_ROWS)
  expect(
    rowsOf({ jobs: 1, capacity: capacity({ cores: 64 }), options: { chunk: undefined, chunkRows: 99 } }),
  ).toBe(99)
})

test('after a chunk that was too big the next ones have at most half of it', () => {
  expect(rowsOf({ tooBig: 1_000_000 })).toBe(500_000)
})

const input = (rows: number, written: number) => ({
  throughput: throughput({ written }),
  target: { rows } as TargetTable,
})

test('a table that reads derived tables takes a fiftieth of them at once, in rows of their sources', () => {
  expect(rowsOf({ inputs: [input(1_000, 500_000)] })).toBe(2 * DEFAULT_CHUNK_ROWS)
  expect(rowsOf({ inputs: [input(1_000_000_000, 1_000_000)] })).toBe(20_000_000)
})

test('the first chunks of a table end after as much as a probe looks at, unless a person has said their size', () => {
  const sizing = { rows: 100, rowEstimates: [] }
  const started = (unit: 'block' | 'second', expected = 0, chunkRows?: number) =>
    startSmall(sizing, {
      table: { unit } as TableDefinition,
      options: { chunk: undefined, chunkRows },
      throughput: { ...NO_PACE, expected },
    })
  expect(started('block')).toEqual({ ...sizing, mostBlocks: 100_000 })
  expect(started('second')).toEqual({ ...sizing, mostBlocks: 1_200_000 })
  expect(started('block', 1)).toEqual(sizing)
  expect(started('block', 0, 100)).toEqual(sizing)
  const question = {
    table: { unit: 'block' } as TableDefinition,
    options: { chunk: 7, chunkRows: undefined },
    throughput: NO_PACE,
  }
  expect(startSmall({ blocks: 7 }, question)).toEqual({ blocks: 7 })
})
