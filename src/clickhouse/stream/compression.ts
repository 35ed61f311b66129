// Owns the encoding of rows between two servers: plain, ClickHouse's own compressed blocks, or one zstd stream. The
// runner does not decode rows; it reads only the end of an interrupted stream, where the server writes its error.
import { Transform } from 'node:stream'
import { zstdDecompressSync } from 'node:zlib'
import type { ClickHouseSettings } from '@clickhouse/client'
import { usageError } from '../../model/errors.ts'
import type { Compression } from '../../model/model.ts'
import { decodeLz4Block } from './lz4-block.ts'
import { TAIL_BYTES } from '../write.ts'

type Manner = { readonly settings: ClickHouseSettings; readonly headers: Readonly<Record<string, string>> }

export type CompressionForm = {
  /** Parameters that ask the source for this encoding and announce it to the target. */
  readonly ask: Manner
  readonly tell: Manner
  /** Passes all bytes on; `text` is the end of them, as far as it can be decoded. */
  keepTail(): Tail
  /** Reads the whole answer of an error. */
  read(answer: Buffer): string
}

type Tail = { readonly through: Transform; text(): string }

/** `compress` and `decompress` are parameters of the request, not settings, so every user may send them. */
const parameters = (named: Readonly<Record<string, number>>) => named as ClickHouseSettings

export const COMPRESSIONS: Readonly<Record<Compression, CompressionForm>> = {
  none: {
    ask: { settings: {}, headers: {} },
    tell: { settings: {}, headers: {} },
    keepTail: plainTail,
    read: (answer) => answer.toString('utf8'),
  },
  lz4: {
    ask: { settings: parameters({ compress: 1 }), headers: {} },
    tell: { settings: parameters({ decompress: 1 }), headers: {} },
    keepTail: blockTail,
    read: readBlocks,
  },
  zstd: {
    // At the default level 3 the source takes more than four times the CPU for nothing (docs/explanation/performance.md).
    ask: {
      settings: { enable_http_compression: 1, http_zlib_compression_level: '1' },
      headers: { 'Accept-Encoding': 'zstd' },
    },
    tell: { settings: {}, headers: { 'Content-Encoding': 'zstd' } },
    // One stream from the first byte to the last: its end cannot be decoded separately.
    keepTail: () => ({ ...plainTail(), text: () => '' }),
    // An error before the first row is sent uncompressed.
    read: (answer) => (answer.readUInt32BE() === ZSTD ? zstdDecompressSync(answer) : answer).toString('utf8'),
  },
}

/** First bytes of a zstd frame. */
const ZSTD = 0x28b52ffd

function plainTail(): Tail {
  let tail: Buffer = Buffer.alloc(0)
  const through = new Transform({
    transform(piece: Buffer, _encoding, done) {
      tail = lastOf(tail, piece)
      done(null, piece)
    },
  })
  return { through, text: () => tail.toString('utf8') }
}

function lastOf(tail: Buffer, piece: Buffer): Buffer {
  return piece.length >= TAIL_BYTES
    ? piece.subarray(-TAIL_BYTES)
    : Buffer.concat([tail, piece]).subarray(-TAIL_BYTES)
}

/** Header of a compressed block: 16 bytes of checksum, the method, and two sizes; the compressed size counts from the method. */
const HEADER = { bytes: 25, method: 16, packed: 17, unpacked: 21 } as const
const METHODS = { none: 0x02, lz4: 0x82 } as const

/** Follows the block headers, so that the start of the last block is known. */
function blockTail(): Tail {
  let tail: Buffer = Buffer.alloc(0)
  /** Bytes since the start of the last block, and the bytes left in it. */
  let [since, left] = [0, 0]
  let header: Buffer = Buffer.alloc(0)
  const follow = (piece: Buffer): void => {
    for (let at = 0; at < piece.length;) {
      if (left === 0) {
        const more = piece.subarray(at, at + HEADER.bytes - header.length)
        header = Buffer.concat([header, more])
        at += more.length
        since = header.length
        if (header.length < HEADER.bytes) return
        left = bodySize(header)
        header = Buffer.alloc(0)
      } else {
        const skipped = Math.min(left, piece.length - at)
        at += skipped
        since += skipped
        left -= skipped
      }
    }
  }
  const through = new Transform({
    transform(piece: Buffer, _encoding, done) {
      tail = lastOf(tail, piece)
      try {
        follow(piece)
      } catch (error) {
        // A plain exception is read as text, and the target refuses it.
        if (!tail.includes('DB::Exception')) return done(error as Error)
        since = tail.length
      }
      return done(null, piece)
    },
  })
  // An exception is a short, separate block.
  return { through, text: () => (since > tail.length ? '' : readBlocks(tail.subarray(-since))) }
}

function bodySize(header: Buffer): number {
  const packed = header.readUInt32LE(HEADER.packed)
  if (![METHODS.lz4, METHODS.none].includes(header[HEADER.method] as 2) || packed < 9)
    throw usageError(
      'the answer of the source does not have the requested compression',
      'A proxy between backfill and the source may change requests or answers: use --compression none, or BACKFILL_COMPRESSION=none',
    )
  return packed - 9
}

/** Text in compressed blocks; a truncated block, or one that a proxy sent plain, is returned unchanged. */
function readBlocks(bytes: Buffer): string {
  try {
    let text = ''
    for (let at = 0; at + HEADER.bytes <= bytes.length;) {
      const header = bytes.subarray(at, at + HEADER.bytes)
      const body = bytes.subarray(at + HEADER.bytes, at + HEADER.bytes + bodySize(header))
      const unpacked =
        header[HEADER.method] === METHODS.lz4
          ? decodeLz4Block(body, header.readUInt32LE(HEADER.unpacked))
          : body
      text += Buffer.from(unpacked).toString('utf8')
      at += HEADER.bytes + bodySize(header)
    }
    return text
  } catch {
    return bytes.toString('utf8')
  }
}
