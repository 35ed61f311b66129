// Owns the choice of a sample: uniform, and the same for the same seed.

/** `size` of the items, each subset equally likely, in the items' order; all of them where there are no more. */
export function sample<T>(items: readonly T[], size: number, seed: number): readonly T[] {
  if (size >= items.length) return items
  const random = mulberry32(seed)
  const order = items.map((_, index) => index)
  // The first steps of a Fisher-Yates shuffle.
  for (let at = 0; at < size; at++) {
    const other = at + Math.floor(random() * (order.length - at))
    ;[order[at], order[other]] = [order[other]!, order[at]!]
  }
  const chosen = new Set(order.slice(0, size))
  return items.filter((_, index) => chosen.has(index))
}

/** Numbers in [0, 1) from a 32-bit seed. */
function mulberry32(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
