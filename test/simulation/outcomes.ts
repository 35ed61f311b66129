// Owns how a history is played that has a name.
import { expect } from 'vitest'
import type { History } from './acts.ts'
import { play } from './play.ts'

/** Expects that the history breaks nothing; returns what its runs said at their end. */
export async function outcomes(history: History): Promise<readonly string[]> {
  const { broken, trace } = await play(history)
  expect(broken).toEqual([])
  return trace.flatMap((line) => / has ended: (ok|adopted|different|\w+: .*)/.exec(line)?.[1] ?? [])
}
