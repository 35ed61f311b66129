// Owns what the runs of one history say at their end.
import { expect } from 'vitest'
import type { History } from './acts.ts'
import { play } from './play.ts'

/** Expects that the history breaks nothing; returns what its runs said at their end. */
export async function outcomes(history: History): Promise<readonly string[]> {
  const { broken, trace } = await play(history)
  expect(broken).toEqual([])
  return trace.flatMap((line) => / has ended: (ok|\w+: .*)/.exec(line)?.[1] ?? [])
}
