// Owns randomness: the only file that draws random numbers. A simulation can replace it by a seeded generator.
import { randomInt, randomUUID } from 'node:crypto'

export type Random = {
  id(): string
  below(limit: number): number
  fraction(): number
}

const machine: Random = {
  id: () => randomUUID(),
  below: (limit) => randomInt(limit),
  fraction: () => Math.random(),
}

let present = machine

/** For tests only: installs this generator. Returns a function that restores the machine's. */
export function replaceRandom(random: Random): () => void {
  present = random
  return () => void (present = machine)
}

export const randomId: Random['id'] = () => present.id()
export const randomBelow: Random['below'] = (limit) => present.below(limit)
export const randomFraction: Random['fraction'] = () => present.fraction()
