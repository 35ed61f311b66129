// Owns passing the bytes of a result to stdout, with back-pressure.
import { type Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { StringDecoder } from 'node:string_decoder'
import { escapeControlCharacters } from './render/escape.ts'

/**
 * Resolves when everything is written, or when the reader has ended (`| head -1`). In a terminal, control characters are
 * escaped. Rejects with the error of `bytes`.
 */
export async function passOn(bytes: Readable, stdout: NodeJS.WriteStream): Promise<void> {
  try {
    if (stdout.isTTY) await pipeline(bytes, shownToPeople(), stdout, { end: false })
    else await pipeline(bytes, stdout, { end: false })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPIPE') throw error
  }
}

function shownToPeople(): Transform {
  const decoder = new StringDecoder('utf8')
  return new Transform({
    transform: (piece: Buffer, _encoding, done) => done(null, escapeControlCharacters(decoder.write(piece))),
    flush: (done) => done(null, escapeControlCharacters(decoder.end())),
  })
}
