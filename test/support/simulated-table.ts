// Owns one table of a simulation, what may happen to it, and what its blocks were computed from.
import * as fc from 'fast-check'
import type { Range } from '../../src/model/blocks.ts'
import type { ForkUse } from '../../src/sql-syntax/fork-uses.ts'

export const LAST = 14
export const BLOCKS = Array.from({ length: LAST }, (_, index) => index + 1)
export const KEYS = ['a', 'b', 'c', 'd'] as const
export type Key = (typeof KEYS)[number]

const someRange = fc
  .tuple(fc.integer({ min: 1, max: LAST }), fc.integer({ min: 1, max: LAST }))
  .map(([one, other]): Range => ({ from: Math.min(one, other), to: Math.max(one, other) }))
const someKey = fc.constantFrom(...KEYS)
export const someTable = fc.record({
  perKey: fc.boolean(),
  use: fc.constantFrom('from', 'after', 'anyhow', undefined),
  /** The blocks that it holds at first. */
  limits: fc.oneof(fc.constant({ from: 1, to: LAST }), someRange),
  /** Which of the tables before it are read. */
  reads: fc.tuple(fc.boolean(), fc.boolean(), fc.boolean()),
})
export const someAct = fc.oneof(
  { weight: 8, arbitrary: fc.record({ act: fc.constant('run' as const), key: someKey, range: someRange }) },
  { weight: 3, arbitrary: fc.record({ act: fc.constant('redo' as const), key: someKey, range: someRange }) },
  { weight: 4, arbitrary: fc.record({ act: fc.constant('checkpoint' as const), key: someKey }) },
  {
    weight: 1,
    arbitrary: fc.record({
      act: fc.constantFrom('rebuild' as const, 'replace' as const, 'truncate' as const, 'edit' as const),
      key: someKey,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ act: fc.constant('fork' as const), first: fc.integer({ min: 1, max: LAST }) }),
  },
  { weight: 1, arbitrary: fc.record({ act: fc.constant('limit' as const), key: someKey, range: someRange }) },
)

/** What one block of a table was computed from. */
export type Read = {
  readonly sql: number
  readonly fork: number
  /** Of each input: nothing, or its UUID and how often the rows that count for the block had been written. */
  readonly inputs: ReadonlyMap<Key, InputState | undefined>
}

/** Of the rows of an input that count for a block: how often they had been written, and what they were. */
export type InputState = { readonly uuid: string; readonly writes: number; readonly rows: string }

export class Table {
  readonly key: Key
  readonly perKey: boolean
  readonly use: ForkUse['use'] | undefined
  readonly after: readonly Key[]
  readonly read = new Map<number, Read>()
  readonly writes = new Map<number, number>()
  readonly rows = new Map<number, number>()
  uuid: string
  sql = 1
  limits: Range
  emptied = false

  constructor(
    key: Key,
    { perKey, use, after, uuid, limits }: Pick<Table, 'perKey' | 'use' | 'after' | 'uuid' | 'limits'>,
  ) {
    this.limits = limits
    this.key = key
    this.perKey = perKey
    this.use = use
    this.after = after
    this.uuid = uuid
  }

  /** What the transform computes for a block from the number of the fork. */
  tells(fork: number, block: number): number | boolean {
    return this.use === 'anyhow' ? fork : this.use === 'from' ? block >= fork : block > fork
  }
}

/** A row is a number below this. */
export const ROWS = 7

/** The blocks of an input whose rows count for a block of its dependants. */
export function countingBlocks({ perKey }: Table, block: number): readonly number[] {
  return perKey ? BLOCKS.filter((one) => one <= block) : [block]
}

export function versionOf(input: Table, block: number): InputState {
  const counting = countingBlocks(input, block)
  return {
    uuid: input.uuid,
    writes: counting.reduce((sum, one) => sum + (input.writes.get(one) ?? 0), 0),
    rows: counting.map((one) => input.rows.get(one)).join(),
  }
}
