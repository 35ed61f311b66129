// Owns a fetched Parquet file as an open file: its footer and its bytes.
import type { FileHandle } from 'node:fs/promises'
import { broken, messageOf, type FetchedFile } from '../files-port.ts'
import { parquetMetadata } from 'hyparquet/src/metadata.js'

/** Takes ownership of `handle`, even if it throws. @throws BackfillError `rangeOnly` for an incomplete or other file */
export async function keptFile(name: string, handle: FileHandle): Promise<FetchedFile> {
  try {
    const { size } = await handle.stat()
    return {
      name,
      ...(await footerOf(name, handle, size)),
      read: () => handle.createReadStream({ start: 0, highWaterMark: READ_BYTES }),
      close: () => handle.close(),
    }
  } catch (error) {
    await handle.close()
    throw error
  }
}

async function footerOf(name: string, handle: FileHandle, bytes: number) {
  if (bytes === 0) throw broken(`${name} is empty`)
  const head = await part(handle, 0, Math.min(bytes, HEAD_BYTES))
  if (!head.subarray(0, MAGIC.length).equals(MAGIC)) {
    const page = /^\s*<(!doctype|html|\?xml)/i.test(head.toString('latin1'))
    throw broken(`${name} is ${page ? 'a web page' : 'something else'}, not a Parquet file`)
  }
  const trailer = await part(handle, Math.max(0, bytes - TRAILER_BYTES), TRAILER_BYTES)
  const length = trailer.length < TRAILER_BYTES ? 0 : trailer.readUInt32LE(0)
  if (!trailer.subarray(-MAGIC.length).equals(MAGIC) || length + TRAILER_BYTES + MAGIC.length > bytes)
    throw broken(`${name} is truncated: its ${bytes} bytes do not end like a Parquet file`)
  if (length > MAX_FOOTER_BYTES) throw broken(`${name} is broken: its footer claims ${length} bytes`)
  try {
    return readFooter(await part(handle, bytes - TRAILER_BYTES - length, length + TRAILER_BYTES))
  } catch (error) {
    throw broken(`${name} is broken: ${messageOf(error)}`)
  }
}

const HEAD_BYTES = 64

/** Public files have footers of some hundred kilobytes. */
const MAX_FOOTER_BYTES = 32 * 1024 ** 2

/** Bytes per read: the memory that a file takes here. */
const READ_BYTES = 256 * 1024

async function part(handle: FileHandle, position: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, position)
  return buffer.subarray(0, bytesRead)
}

/** Every Parquet file begins and ends with these bytes; before the last ones, 4 bytes hold the footer's length. */
export const MAGIC = Buffer.from('PAR1')

const TRAILER_BYTES = 8

/** Reads the end of a file: the footer and its trailer. @throws Error if it is not a Parquet footer */
export function readFooter(bytes: Buffer): Pick<FetchedFile, 'columns' | 'rows'> {
  const { schema, num_rows } = parquetMetadata(bytes, { geoparquet: false })
  return { columns: topNames(schema), rows: Number(num_rows) }
}

type SchemaElement = { readonly name: string; readonly num_children?: number }

/** The schema is a tree in depth-first order; the root's children are the columns. */
function topNames([root, ...elements]: readonly SchemaElement[]): ReadonlySet<string> {
  const names = new Set<string>()
  let at = 0
  for (let column = 0; column < (root?.num_children ?? 0); column++) {
    if (at >= elements.length)
      throw new Error(`its footer claims ${root?.num_children} columns and describes ${column}`)
    names.add(elements[at]!.name)
    for (let open = 1; open > 0 && at < elements.length; at++) open += (elements[at]!.num_children ?? 0) - 1
  }
  return names
}
