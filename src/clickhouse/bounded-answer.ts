// Owns the limit of answers: what never stops answering is not ClickHouse, and must not fill the memory.
import type { IncomingMessage } from 'node:http'
import { pipeline, Readable, Transform } from 'node:stream'

/** Answers to questions are a few kilobytes: what sends more than this never ends. */
const MAX_ANSWER_BYTES = 64 * 1024 * 1024

function tooLarge(): Error {
  return new Error(`the answer to a question is larger than ${MAX_ANSWER_BYTES / 1024 / 1024} MB`)
}

/** The stream, which fails after `MAX_ANSWER_BYTES`. */
export function bounded(stream: Readable): Readable {
  let bytes = 0
  const counter = new Transform({
    transform(piece: Buffer, _encoding, done) {
      bytes += piece.length
      if (bytes <= MAX_ANSWER_BYTES) return done(null, piece)
      done(tooLarge())
    },
  })
  // Its reader sees the error.
  return pipeline(stream, counter, () => {})
}

/** The package reads an answer as a whole, however long: its stream is private, and read only after this. */
export function limited<Result extends object>(result: Result): Result {
  const stream: unknown = Reflect.get(result, '_stream')
  if (stream instanceof Readable) Reflect.set(result, '_stream', bounded(stream))
  return result
}

/** The package also reads the text of an error as a whole, and offers no place to limit it but Node's own. */
export function limitError(response: IncomingMessage): void {
  const push = response.push.bind(response)
  let bytes = 0
  response.push = (piece: Buffer | null) => {
    bytes += piece?.length ?? 0
    if (bytes <= MAX_ANSWER_BYTES) return push(piece)
    response.destroy(tooLarge())
    return false
  }
}
