// Owns the promise that the end of a packed stream is found, however the network cuts it into pieces.
import { createServer, get, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { PassThrough, Readable, Transform } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import * as fc from 'fast-check'
import { expect, onTestFinished, test } from 'vitest'
import { COMPRESSIONS } from '../../../src/clickhouse/stream/compression.ts'
import { unread } from '../../../src/clickhouse/stream/stream.ts'

/** A block whose content is not packed, as ClickHouse frames it. */
function block(content: Buffer): Buffer {
  const header = Buffer.alloc(25)
  header[16] = 0x02
  header.writeUInt32LE(content.length + 9, 17)
  header.writeUInt32LE(content.length, 21)
  return Buffer.concat([header, content])
}

function cut(bytes: Buffer, at: readonly number[]): Buffer[] {
  const edges = [0, ...at.map((share) => Math.floor(share * bytes.length)), bytes.length].toSorted(
    (a, b) => a - b,
  )
  return edges.slice(1).map((edge, index) => bytes.subarray(edges[index], edge))
}

const anyRows = fc.array(fc.uint8Array({ maxLength: 40_000 }), { maxLength: 4 })
const anyCuts = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 12 })

test('the text of the last block is read, and every byte is passed on', () =>
  fc.assert(
    fc.asyncProperty(anyRows, anyCuts, async (rows, at) => {
      const said = 'Code: 395. DB::Exception: words'
      const bytes = Buffer.concat([...rows.map((row) => block(Buffer.from(row))), block(Buffer.from(said))])
      const tail = COMPRESSIONS.lz4.keepTail()
      const out = new PassThrough()
      const [passed] = await Promise.all([
        buffer(out),
        pipeline(Readable.from(cut(bytes, at).filter((piece) => piece.length > 0)), tail.through, out),
      ])
      expect(passed.equals(bytes)).toBe(true)
      expect(tail.text()).toBe(said)
    }),
    { numRuns: 50 },
  ))

test('a last block that is too long to be an exception has no text', async () => {
  const tail = COMPRESSIONS.lz4.keepTail()
  await pipeline(Readable.from([block(Buffer.alloc(100_000, 'x'))]), tail.through, new PassThrough().resume())
  expect(tail.text()).toBe('')
})

test('an exception that is not packed, behind blocks that are, is read as it stands', async () => {
  const tail = COMPRESSIONS.lz4.keepTail()
  const plain = 'Code: 241. DB::Exception: memory limit exceeded. (MEMORY_LIMIT_EXCEEDED)'
  await pipeline(
    Readable.from([block(Buffer.from('rows')), Buffer.from(plain)]),
    tail.through,
    new PassThrough().resume(),
  )
  expect(tail.text()).toContain(plain)
})

test('the last words of a connection that breaks off are read, although what takes the rows is slow', async () => {
  const said = 'Code: 395. DB::Exception: words'
  const server = createServer((_, answer) => {
    answer.write(block(Buffer.alloc(1_000_000)))
    answer.write(block(Buffer.from(said)), () => answer.destroy())
  }).listen(0)
  onTestFinished(() => void server.close())
  const rows = await new Promise<IncomingMessage>((resolve) => {
    get({ port: (server.address() as AddressInfo).port }, resolve)
  })
  const tail = COMPRESSIONS.lz4.keepTail()
  const slow = new Transform({ transform: (_piece, _encoding, done) => void setTimeout(done, 20) })
  await expect(pipeline(rows, tail.through, slow, new PassThrough())).rejects.toThrow('aborted')
  expect(tail.text(unread(rows))).toBe(said)
})
