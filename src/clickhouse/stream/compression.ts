// Owns how rows look on the wire from one server to the other: plain, in ClickHouse's own compressed blocks, or as one
// zstd stream. The runner decodes none of them; it reads the end of a stream that broke off, where the server says why.
import { Transform } from 'node:stream'
import { zstdDecompressSync } from 'node:zlib'
import type { ClickHouseSettings } from '@clickhouse/client'
import { usageError } from '../../model/errors.ts'
import type { Compression } from '../../model/compression.ts'
import { decodeLz4Block } from './lz4-block.ts'
import { TAIL_BYTES } from '../write.ts'

type Manner = { readonly settings: ClickHouseSettings; readonly headers: Readonly<Record<string, string>> }

export type CompressionForm = {
  /** How the source is asked to send, and how the target is told what comes. */
  readonly ask: Manner
  readonly tell: Manner
  /** Passes everything on; `text` is the end of it, as far as it can be read. */
  keepTail(): Tail
  /** Reads a whole answer, which is an error's. */
  read(answer: Buffer): string
}

type Tail = { readonly through: Transform; text(): string }

/** `compress` and `decompress` are parameters of the request, not settings: users who may not set anything have them. */
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
    // One stream from the first byte to the last: its end cannot be read by itself.
    keepTail: () => ({ ...plainTail(), text: () => '' }),
    // What is refused before anything is packed is not packed either.
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

/** Of a compressed block: 16 bytes of checksum, the method, and two sizes; that of what is packed counts from the method. */
const HEADER = { bytes: 25, method: 16, packed: 17, unpacked: 21 } as const
const METHODS = { none: 0x02, lz4: 0x82 } as const

/** Follows the headers of the blocks, so that the last one can be told from the rows before it. */
function blockTail(): Tail {
  let tail: Buffer = Buffer.alloc(0)
  /** Bytes behind the beginning of the last block, and how many are left of it. */
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
        // Unless it is a plain exception: that is read, and the target refuses it.
        if (!tail.includes('DB::Exception')) return done(error as Error)
        since = tail.length
      }
      return done(null, piece)
    },
  })
  // An exception is a block of its own, and a short one.
  return { through, text: () => (since > tail.length ? '' : readBlocks(tail.subarray(-since))) }
}

function bodySize(header: Buffer): number {
  const packed = header.readUInt32LE(HEADER.packed)
  if (![METHODS.lz4, METHODS.none].includes(header[HEADER.method] as 2) || packed < 9)
    throw usageError(
      'what the source sends is not compressed as it was asked to be',
      'Something between here and the source changes requests or answers: use --compression none, or BACKFILL_COMPRESSION=none',
    )
  return packed - 9
}

/** Text in compressed blocks; a block that is cut off, or was sent plain by somebody else, is taken as it stands. */
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
