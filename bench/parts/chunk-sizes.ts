// Owns part d: what the size of the chunks costs in time and saves in memory.
import { backfill, newPlace } from '../support/backfill.ts'
import { alternate, median } from '../support/measure.ts'
import type { Bench, Report } from '../support/report.ts'
import { dropPlace, statementsOf } from '../support/statements.ts'

export function chunkSizes(bench: Bench): Promise<Report> {
  const cases = [
    [],
    ...bench.chunks.map((blocks) => ['--chunk', String(blocks)]),
    ...bench.chunkRows.map((rows) => ['--chunk-rows', String(rows)]),
  ]
  return compareRuns(bench, 'Chunk sizes', cases)
}

/** Runs of `up` with these words, side by side. */
export async function compareRuns(
  { server, chain, runs }: Bench,
  title: string,
  cases: readonly (readonly string[])[],
): Promise<Report> {
  const run = async (words: readonly string[]) => {
    const place = newPlace(chain.source)
    const { elapsedMs, rssBytes } = await backfill({ on: server, place, words: ['up', ...words] })
    const statements = await statementsOf(server, place.target)
    await dropPlace(server, place)
    return {
      elapsedMs,
      rss: Math.max(...rssBytes),
      chunks: statements.length,
      peak: Math.max(...statements.map(({ peakBytes }) => peakBytes)),
    }
  }
  const named = cases.map((words) => [words.join(' ') || 'default', () => run(words)] as const)
  const found = await alternate(runs, Object.fromEntries(named))
  const best = Math.min(
    ...Object.values(found).map((times) => median(times.map(({ elapsedMs }) => elapsedMs))),
  )
  return {
    title: `${title}: \`up\` for all tables, medians of ${runs}`,
    columns: ['words', 'chunks', 'seconds', 'of the best', 'peak MB of a statement', 'MB of the runner'],
    rows: named.map(([name]) => {
      const times = found[name]!
      const ms = median(times.map(({ elapsedMs }) => elapsedMs))
      const megabytes = (of: (time: (typeof times)[number]) => number) =>
        Math.round(median(times.map(of)) / 1e6)
      return [
        name,
        times[0]!.chunks,
        ms / 1000,
        ms / best,
        megabytes(({ peak }) => peak),
        megabytes(({ rss }) => rss),
      ]
    }),
  }
}
