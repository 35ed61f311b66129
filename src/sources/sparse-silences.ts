// Owns the judgement of sparse sources: silent for a while, but not on a busy chain, and not for longer than ever before.
import { blockSet, type Range } from '../model/blocks.ts'
import type { SourcePort } from './source.ts'
import {
  type Bucket,
  bucketWidth,
  emptyRuns,
  findSilences,
  type ProbedSource,
  TRANSACTION_TABLE,
} from './availability.ts'

/** Blocks before a silence that say how long the source is usually silent. */
export const HISTORY_BLOCKS = 250_000

export function suspiciousRuns(
  source: ProbedSource,
  all: readonly ProbedSource[],
  probed: Range,
  sourceGapBlocks: number,
): readonly Range[] {
  const transactions = all.filter(({ table }) => table === TRANSACTION_TABLE)
  return findSilences([...transactions, { ...source, blockCoverage: 'most-blocks' }], probed, sourceGapBlocks)
}

export function historyOf(run: Range): Range {
  return { from: Math.max(0, run.from - HISTORY_BLOCKS), to: run.to }
}

/** Whether the run is more than twice as long as any other in its `history`: buckets in `historyOf(run)`, of which one is needed. */
export function isUnusual(run: Range, history: readonly Bucket[], sourceGapBlocks: number): boolean {
  const [first] = history
  if (first === undefined) return false
  const known = { from: first.first, to: run.to }
  const lengths = emptyRuns(history, known, 1).map(({ from, to }) => ({
    isIt: from <= run.to && to >= run.from,
    blocks: to - from + 1,
  }))
  // Shorter runs may hide inside a bucket.
  const usual = lengths.reduce(
    (longest, { isIt, blocks }) => (isIt ? longest : Math.max(longest, blocks)),
    bucketWidth(sourceGapBlocks),
  )
  return lengths.some(({ isIt, blocks }) => isIt && blocks > 2 * usual)
}

/** Looks at the sparse ones of probed sources; asks for their history where a silence is suspicious. */
export function watchSparse(port: Pick<SourcePort, 'extents' | 'buckets' | 'isBusy'>) {
  const known = new Map<string, Promise<boolean>>()
  function isAbsent(table: string): Promise<boolean> {
    const ask = async () => !(await port.extents([table])).has(table) && (await port.isBusy())
    const answer = known.get(table) ?? ask()
    known.set(table, answer)
    answer.catch(() => known.delete(table))
    return answer
  }
  /** In the probed range: sparse sources that have no row of the network at all, and blocks that wait for sparse sources. */
  return async (sources: readonly ProbedSource[], probed: Range, sourceGapBlocks: number) => {
    const sparse = sources.filter(({ blockCoverage }) => blockCoverage === 'sparse')
    const found = await Promise.all(
      sparse.map(async (one) => {
        if (one.buckets.length === 0 && (await isAbsent(one.table)))
          return { absent: [one.table], silences: [probed] }
        const unusual = suspiciousRuns(one, sources, probed, sourceGapBlocks).map(async (run) => {
          const history = await port.buckets([one.table], historyOf(run), bucketWidth(sourceGapBlocks))
          return isUnusual(run, history.get(one.table) ?? [], sourceGapBlocks) ? [run] : []
        })
        return { absent: [], silences: (await Promise.all(unusual)).flat() }
      }),
    )
    return {
      absent: found.flatMap(({ absent }) => absent),
      silences: blockSet(found.flatMap(({ silences }) => silences)),
    }
  }
}
