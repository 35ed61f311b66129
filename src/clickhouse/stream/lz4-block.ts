// Owns decoding one LZ4 block: the last bytes of an interrupted stream hold the server's error. Pure.

/** @throws RangeError if the bytes are not an LZ4 block of that size */
export function decodeLz4Block(packed: Uint8Array, size: number): Uint8Array {
  const out = new Uint8Array(size)
  let [from, to] = [0, 0]
  const next = (): number => {
    const byte = packed[from++]
    if (byte === undefined) throw new RangeError('the LZ4 block is cut off')
    return byte
  }
  /** Fifteen means: add the next bytes, until one is not 255. */
  const length = (nibble: number): number => {
    let sum = nibble
    for (let more = nibble === 15; more;) {
      const byte = next()
      sum += byte
      more = byte === 255
    }
    return sum
  }
  while (from < packed.length) {
    const token = next()
    const literals = length(token >> 4)
    out.set(packed.subarray(from, from + literals), to)
    from += literals
    to += literals
    // The last sequence has literals only.
    if (from >= packed.length) break
    const back = next() | (next() << 8)
    const copies = length(token & 15) + 4
    if (back === 0 || back > to || to + copies > size) throw new RangeError('no LZ4 block')
    // Byte by byte, because a copy may overlap its own output.
    for (const end = to + copies; to < end; to++) out[to] = out[to - back]!
  }
  return out.subarray(0, to)
}
