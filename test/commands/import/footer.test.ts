// Owns the promises about the footer of a Parquet file: its columns and rows are read, and nonsense is refused.
import { execFileSync } from 'node:child_process'
import { mkdir, open } from 'node:fs/promises'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { openFolder } from '../../../src/commands/import/files/folder-files.ts'
import { keptFile, MAGIC, readFooter } from '../../../src/commands/import/files/parquet-file.ts'
import { temporaryDirectory } from '../../support/processes.ts'

/** Thrift's compact protocol, as far as a footer needs it. */
const varint = (value: number): number[] =>
  value < 128 ? [value] : [(value % 128) | 128, ...varint(Math.floor(value / 128))]
const zigzag = (value: number) => varint(value * 2)
const text = (value: string) => [...varint(Buffer.byteLength(value)), ...Buffer.from(value)]
const list = (type: number, items: readonly number[][]) =>
  items.length < 15
    ? [(items.length << 4) | type, ...items.flat()]
    : [0xf0 | type, ...varint(items.length), ...items.flat()]

/** Fields 4 (name) and 5 (number of children) of a SchemaElement, behind a field 1 (type) where it is a leaf. */
const element = (name: string, children?: number): number[] =>
  children === undefined
    ? [0x15, ...zigzag(6), 0x38, ...text(name), 0]
    : [0x48, ...text(name), 0x15, ...zigzag(children), 0]

/** A file's end: the footer, its length, and the magic bytes. */
const end = (footer: Uint8Array): Buffer => {
  const length = Buffer.alloc(4)
  length.writeUInt32LE(footer.length)
  return Buffer.concat([footer, length, MAGIC])
}

const footer = (elements: readonly number[][], rows: number) =>
  Buffer.from(
    [
      [0x15, zigzag(2)], // 1: version
      [0x19, list(12, elements)], // 2: schema
      [0x16, zigzag(rows)], // 3: rows
      [0x19, list(12, [])], // 4: row groups
      [0x28, text('writer')], // 6
      0,
    ].flat(2),
  )

test('columns and rows are read, whatever else there is', () => {
  const names = Array.from({ length: 22 }, (_, index) => `column_${index}`)
  const read = readFooter(
    end(footer([element('schema', names.length), ...names.map((name) => element(name))], 5_000_000_000)),
  )
  expect([...read.columns]).toEqual(names)
  expect(read.rows).toBe(5_000_000_000)
})

test('of a nested column the outer name counts', () => {
  const elements = [
    element('schema', 3),
    element('a'),
    element('tags', 1),
    element('list', 2),
    element('key'),
    element('value'),
    element('b'),
  ]
  expect([...readFooter(end(footer(elements, 1))).columns]).toEqual(['a', 'tags', 'b'])
})

test('a footer that is cut off, or is none, is refused, and never hangs', () => {
  const whole = footer([element('schema', 1), element('a')], 7)
  for (let length = 0; length < 12; length++)
    expect(() => readFooter(end(whole.subarray(0, length)))).toThrow(/./)
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      try {
        readFooter(end(bytes))
      } catch (error) {
        expect(error).toBeInstanceOf(Error)
      }
    }),
  )
})

test('a footer that claims more columns than it describes is refused at once', () => {
  const claims = end(footer([element('root', 2 ** 31 - 1), element('a')], 1))
  expect(() => readFooter(claims)).toThrow('its footer claims 2147483647 columns and describes 1')
})

test('a footer that claims to be larger than any is not read', async () => {
  const [size, claimed] = [100_000_000, 40_000_000]
  const handle = await open(join(temporaryDirectory(), 'huge.parquet'), 'w+')
  await handle.truncate(size)
  await handle.write(MAGIC, 0, MAGIC.length, 0)
  const trailer = end(Buffer.alloc(0))
  trailer.writeUInt32LE(claimed)
  await handle.write(trailer, 0, trailer.length, size - trailer.length)
  await expect(keptFile('huge.parquet', handle)).rejects.toThrow('its footer claims 40000000 bytes')
})

test('a pipe in a folder of files is refused before anybody waits for it', async () => {
  const folder = temporaryDirectory()
  const place = join(folder, 'mainnet/databases/default/t/1000')
  await mkdir(place, { recursive: true })
  execFileSync('mkfifo', [join(place, '0.parquet')])
  const files = await openFolder(folder, 'mainnet')
  await expect(files.look({ table: 't', first: 0 })).rejects.toThrow('it is not a regular file')
  await expect(files.look({ table: 't', first: 1000 })).resolves.toBeUndefined()
})
