// Owns the way of measuring: works side by side in alternating runs, and their medians.

/** Seconds, milliseconds or bytes of every run, in the order of the runs. */
export type Samples = readonly number[]

/**
 * Runs all works in turn, `runs` times; every second round goes backwards, so that what a work leaves behind (merges,
 * a warm cache) does not always meet the same neighbour. A work resolves to what it measured.
 */
export async function alternate<Name extends string, Value>(
  runs: number,
  works: Readonly<Record<Name, () => Promise<Value>>>,
): Promise<Readonly<Record<Name, readonly Value[]>>> {
  const names = Object.keys(works) as Name[]
  const found = Object.fromEntries(names.map((name): [Name, Value[]] => [name, []])) as Record<Name, Value[]>
  for (let run = 0; run < runs; run++)
    for (const name of run % 2 === 0 ? names : names.toReversed()) {
      console.error(`  run ${run + 1} of ${runs}: ${name}`)
      found[name].push(await works[name]())
    }
  return found
}

/** The middle value; of an even number of them the mean of the two in the middle. */
export function median(samples: Samples): number {
  if (samples.length === 0) throw new Error('nothing was measured')
  const sorted = samples.toSorted((a, b) => a - b)
  const half = Math.floor(sorted.length / 2)
  return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2
}

/** Milliseconds that a work takes. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now()
  await work()
  return performance.now() - began
}
