// Owns sending long arrays: a server takes 128 KiB in one parameter.

type Sent = { readonly query: string; readonly query_params?: Record<string, unknown> | undefined }

/** Bytes of one parameter, with room for quotes and escapes. */
const MAX_BYTES = 64 * 1024

/** The statement itself if its arrays are short; else each long one travels in parts, which the statement joins. */
export function withArrayParts<Statement extends Sent>(statement: Statement): Statement {
  const long = Object.entries(statement.query_params ?? {}).flatMap(([name, value]) => {
    const parts = Array.isArray(value) ? partsOf(value) : []
    return parts.length > 1 ? [{ name, parts }] : []
  })
  if (long.length === 0) return statement
  let { query } = statement
  const query_params = { ...statement.query_params }
  for (const { name, parts } of long) {
    const names = parts.map((_, index) => (index === 0 ? name : `${name}_part_${index}`))
    for (const [index, part] of parts.entries()) query_params[names[index]!] = part
    query = query.replaceAll(
      new RegExp(`\\{${name}:([^{}]+)\\}`, 'g'),
      (_, type: string) => `arrayConcat(${names.map((one) => `{${one}:${type}}`).join(', ')})`,
    )
  }
  return { ...statement, query, query_params }
}

function partsOf(items: readonly unknown[]): readonly (readonly unknown[])[] {
  const parts: unknown[][] = [[]]
  let bytes = 0
  for (const item of items) {
    const text = typeof item === 'string' || typeof item === 'bigint' ? `${item}` : JSON.stringify(item)
    const size = Buffer.byteLength(text) + 3
    if (bytes + size > MAX_BYTES && bytes > 0) {
      parts.push([])
      bytes = 0
    }
    parts.at(-1)!.push(item)
    bytes += size
  }
  return parts
}
