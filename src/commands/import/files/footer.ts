// Owns the footer of a Parquet file, as far as an import needs it: the names of the columns and the number of rows.
import { parquetMetadata } from 'hyparquet/src/metadata.js'

export type Footer = { readonly columns: ReadonlySet<string>; readonly rows: number }

/** Every Parquet file begins and ends with it; before the one at the end stands the length of the footer, in 4 bytes. */
export const MAGIC = Buffer.from('PAR1')
export const TRAILER_BYTES = 8

/** Reads the end of a file: the footer and its trailer. @throws Error where it is none */
export function readFooter(bytes: Buffer): Footer {
  const { schema, num_rows } = parquetMetadata(bytes, { geoparquet: false })
  return { columns: topNames(schema), rows: Number(num_rows) }
}

type SchemaElement = { readonly name: string; readonly num_children?: number }

/** The schema is a tree in depth-first order; the root's children are the columns. */
function topNames([root, ...elements]: readonly SchemaElement[]): ReadonlySet<string> {
  const names = new Set<string>()
  let at = 0
  for (let column = 0; column < (root?.num_children ?? 0); column++) {
    names.add(elements[at]?.name ?? '')
    for (let open = 1; open > 0 && at < elements.length; at++) open += (elements[at]!.num_children ?? 0) - 1
  }
  return names
}
