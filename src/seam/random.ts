// Owns chance: the only place that draws. A simulation replaces it as a whole, by one that a seed repeats.
import { randomInt, randomUUID } from 'node:crypto'

export type Random = {
  /** A UUID that nobody else has. */
  id(): string
  /** An integer from 0 up to, and without, the limit. */
  below(limit: number): number
  /** A number in [0, 1). */
  fraction(): number
}

const machine: Random = {
  id: () => randomUUID(),
  below: (limit) => randomInt(limit),
  fraction: () => Math.random(),
}

let present = machine

/** Only for tests: from now on this is drawn from. Returns what brings the machine's back. */
export function replaceRandom(random: Random): () => void {
  present = random
  return () => void (present = machine)
}

export const randomId: Random['id'] = () => present.id()
export const randomBelow: Random['below'] = (limit) => present.below(limit)
export const randomFraction: Random['fraction'] = () => present.fraction()
