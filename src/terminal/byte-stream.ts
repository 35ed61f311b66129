// Owns passing the bytes of a result on to stdout, in step with who reads them.
import { type Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { StringDecoder } from 'node:string_decoder'
import { escapeControlCharacters } from './render/escape.ts'

/**
 * Resolves when all is written, or when the reader has gone (`| head -1`). A terminal gets no control characters:
 * they are shown instead. Rejects with what `bytes` fails with.
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
