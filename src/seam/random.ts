// Owns randomness: the only file that draws random numbers. A simulation can replace it by a seeded generator.
import { randomInt, randomUUID } from 'node:crypto'
import { replaceable } from './replaceable.ts'

export type Random = {
  id(): string
  below(limit: number): number
  fraction(): number
}

const { present, replace } = replaceable<Random>({
  id: () => randomUUID(),
  below: (limit) => randomInt(limit),
  fraction: () => Math.random(),
})

export const replaceRandom = replace
export const randomId: Random['id'] = () => present().id()
export const randomBelow: Random['below'] = (limit) => present().below(limit)
export const randomFraction: Random['fraction'] = () => present().fraction()
