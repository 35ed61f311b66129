// Owns holding one of the next writes at the proxy; it arrives when all is over.
import type { Held, Proxy, Seen } from '../support/proxy.ts'

type Wanted = {
  /** What writes, by what it is called in a story. */
  readonly writes: Readonly<Record<string, (seen: Seen) => boolean>>
  /** Where it is held; twice in the list: twice as likely. */
  readonly points: readonly ('request' | 'answer' | 'body')[]
  /** Up to how many such writes from now. */
  readonly most: number
}

type Chance = {
  readonly pick: <T>(items: readonly T[]) => T
  readonly between: (low: number, high: number) => number
}

export function holdOne(
  proxy: Pick<Proxy, 'hold'>,
  { writes, points, most }: Wanted,
  { pick, between }: Chance,
): { readonly held: Held; readonly told: string } {
  const [kind, write] = pick(Object.entries(writes))
  const point = pick(points)
  let countdown = between(1, most)
  const held = proxy.hold((seen) => write(seen) && --countdown === 0, point)
  return { held, told: `hold ${kind} at its ${point}` }
}
