// Owns the encoding of rows between two servers. Only the end of an interrupted stream is decoded: the error is there.
import { Transform } from 'node:stream'
import { zstdDecompressSync } from 'node:zlib'
import type { ClickHouseSettings } from '@clickhouse/client'
import { usageError } from '../../model/errors.ts'
import type { Compression } from '../../model/model.ts'
import { TAIL_BYTES } from '../answers.ts'

export type CompressionForm = {
  /** Parameters that ask the source for this encoding, and announce it to the target. */
  readonly ask: ClickHouseSettings
  readonly tell: ClickHouseSettings
  /** The encoding as HTTP calls it. */
  readonly encoding?: string
  /** Passes all bytes on; `text` is the end of them and of what was not read behind them, as far as it can be decoded. */
  keepTail(): Tail
  read(answer: Buffer): string
}

type Tail = { readonly through: Transform; text(unread?: readonly Buffer[]): string }

/** `compress` and `decompress` are parameters of the request, not settings, so every user may send them. */
const parameters = (named: Readonly<Record<string, number>>) => named as ClickHouseSettings

export const COMPRESSIONS: Readonly<Record<Compression, CompressionForm>> = {
  none: { ask: {}, tell: {}, keepTail: () => keepTail(asText), read: asText },
  lz4: {
    ask: parameters({ compress: 1 }),
    tell: parameters({ decompress: 1 }),
    keepTail: () => keepTail(lastBlock, assertBlocks),
    read: readBlocks,
  },
  zstd: {
    // At the default level 3 the source takes more than four times the CPU for nothing (docs/explanation/performance.md).
    ask: { enable_http_compression: 1, http_zlib_compression_level: '1' },
    tell: {},
    encoding: 'zstd',
    // One stream from the first byte to the last: its end cannot be decoded separately.
    keepTail: () => keepTail(() => ''),
    // An error before the first row is sent uncompressed.
    read: (answer) => asText(answer.readUInt32BE() === ZSTD ? zstdDecompressSync(answer) : answer),
  },
}

const ZSTD = 0x28b52ffd

/** Passes bytes on and keeps the last of them, from which `read` makes the text. `check` sees all bytes of the first piece. */
function keepTail(read: (tail: Buffer) => string, check = (_start: Buffer): void => {}): Tail {
  let start: Buffer | undefined = Buffer.alloc(0)
  let tail: Buffer = Buffer.alloc(0)
  const through = new Transform({
    // It holds no piece that it has not looked at: what does not go on waits in the stream before it.
    writableHighWaterMark: 1,
    transform(piece: Buffer, _encoding, done) {
      tail = Buffer.concat([tail, piece.subarray(-TAIL_BYTES)]).subarray(-TAIL_BYTES)
      start &&= Buffer.concat([start, piece])
      try {
        if (start !== undefined && start.length >= HEADER.bytes) {
          check(start)
          start = undefined
        }
        done(null, piece)
      } catch (error) {
        done(error as Error)
      }
    },
  })
  return { through, text: (unread = []) => read(Buffer.concat([tail, ...unread]).subarray(-TAIL_BYTES)) }
}

function asText(bytes: Buffer): string {
  return bytes.toString('utf8')
}

/** Header of a compressed block: 16 bytes of checksum, the method, and two sizes; the compressed size counts from the method. */
const HEADER = { bytes: 25, method: 16, packed: 17, unpacked: 21 } as const
const METHODS = { none: 0x02, lz4: 0x82 } as const

/** End of the block that begins at `at`; undefined if none does. */
function blockEnd(bytes: Buffer, at: number): number | undefined {
  const method = bytes[at + HEADER.method]
  if (at + HEADER.bytes > bytes.length || (method !== METHODS.lz4 && method !== METHODS.none))
    return undefined
  const packed = bytes.readUInt32LE(at + HEADER.packed)
  return packed < 9 ? undefined : at + HEADER.method + packed
}

/** A plain exception is read as text, and the target refuses it. */
function assertBlocks(start: Buffer): void {
  if (blockEnd(start, 0) === undefined && !start.includes('DB::Exception'))
    throw usageError(
      'the answer of the source does not have the requested compression',
      'A proxy between backfill and the source may change requests or answers: use --compression none, or BACKFILL_COMPRESSION=none',
    )
}

/** The last block before the end, if it is short: an exception is a separate, short block, or is not compressed at all. */
function lastBlock(tail: Buffer): string {
  for (let at = tail.length - HEADER.bytes; at >= 0; at--)
    if (blockEnd(tail, at) === tail.length) return readBlocks(tail.subarray(at))
  return tail.includes('DB::Exception') ? asText(tail) : ''
}

/** Text in compressed blocks; a truncated block, or one that a proxy sent plain, is returned unchanged. */
function readBlocks(bytes: Buffer): string {
  try {
    let text = ''
    for (let at = 0; at + HEADER.bytes <= bytes.length;) {
      const end = blockEnd(bytes, at)
      if (end === undefined) return asText(bytes)
      const body = bytes.subarray(at + HEADER.bytes, end)
      const size = bytes.readUInt32LE(at + HEADER.unpacked)
      const isPacked = bytes[at + HEADER.method] === METHODS.lz4
      text += asText(Buffer.from(isPacked ? decodeLz4Block(body, size) : body))
      at = end
    }
    return text
  } catch {
    return asText(bytes)
  }
}

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
