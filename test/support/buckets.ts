// Owns made-up answers of a probe, by the contract of `Bucket`.
import type { Range } from '../../src/model/blocks.ts'
import type { BlockCoverage } from '../../src/model/model.ts'
import type { Bucket, ProbedSource } from '../../src/sources/availability.ts'

export const TRANSACTION = 'canonical_execution_transaction'

/** What a probe of `range` would answer for a source with rows in `blocks`, by the contract of `Bucket`. */
export function bucketsOf(
  blocks: readonly number[],
  range: Range,
  width: number,
  rowsPerBlock = 1,
): Bucket[] {
  const within = blocks.filter((block) => range.from <= block && block <= range.to)
  const groups = Map.groupBy(within, (block) => Math.floor(block / width))
  return [...groups.values()].map((group) => ({
    first: group[0]!,
    last: group.at(-1)!,
    rows: group.length * rowsPerBlock,
    blocks: group.length,
    newest: 0,
    hash: group.join(),
  }))
}

export const source = (
  buckets: readonly Bucket[],
  blockCoverage: BlockCoverage = 'every-block',
  table: string = TRANSACTION,
): ProbedSource => ({
  table,
  blockCoverage,
  buckets,
})

export const blocksFrom = (from: number, count: number) =>
  Array.from({ length: count }, (_, index) => from + index)
