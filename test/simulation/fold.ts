// Owns the fold of the ledger, as the server's query makes it: what the latest event says of each block.
import type { Range } from '../../src/model/blocks.ts'

export type Layer = Range & {
  readonly at: readonly [epoch: number, seq: number]
  readonly state: string
  readonly hash: string
  readonly forks: string
  readonly inputs: string
}

export function renewed(inputs: string, newest: ReadonlyMap<string, string>): string {
  return newest.size === 0
    ? inputs
    : inputs
        .split(' ')
        .map((word) => newest.get(word.split('@')[0]!) ?? word)
        .join(' ')
}

export function comparePositions(
  one: { readonly epoch: number; readonly seq: number },
  other: { readonly epoch: number; readonly seq: number },
): number {
  return one.epoch - other.epoch || one.seq - other.seq
}

/** What the latest layer says of each block; neighbours that say the same are one. */
export function fold(layers: readonly Layer[]): readonly Omit<Layer, 'at'>[] {
  const cuts = [...new Set(layers.flatMap(({ from, to }) => [from, to + 1]))].toSorted((a, b) => a - b)
  const islands: Omit<Layer, 'at'>[] = []
  for (const [index, from] of cuts.slice(0, -1).entries()) {
    let latest: Layer | undefined
    for (const layer of layers)
      if (layer.from <= from && from <= layer.to)
        if (
          latest === undefined ||
          layer.at[0] > latest.at[0] ||
          (layer.at[0] === latest.at[0] && layer.at[1] >= latest.at[1])
        )
          latest = layer
    if (latest === undefined || latest.state === 'cleaned') continue
    const { state, hash, forks, inputs } = latest
    const to = cuts[index + 1]! - 1
    const last = islands.at(-1)
    if (
      last !== undefined &&
      last.to + 1 === from &&
      last.state === state &&
      last.hash === hash &&
      last.forks === forks &&
      last.inputs === inputs
    )
      islands[islands.length - 1] = { ...last, to }
    else islands.push({ from, to, state, hash, forks, inputs })
  }
  return islands
}
