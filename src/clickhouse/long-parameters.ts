// Owns sending long parameters: a server takes 128 KiB in one, and proxies take lines of 8 KiB.
import { Readable } from 'node:stream'
import { randomId } from '../seam/random.ts'

type Sent = {
  readonly query: string
  readonly query_params?: Record<string, unknown> | undefined
  readonly http_headers?: Record<string, string>
}

/** Bytes of one parameter, with room for quotes and escapes. */
const MAX_PARAMETER_BYTES = 64 * 1024

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
    if (bytes + size > MAX_PARAMETER_BYTES && bytes > 0) {
      parts.push([])
      bytes = 0
    }
    parts.at(-1)!.push(item)
    bytes += size
  }
  return parts
}

/** Characters of encoded parameters that may stand in the URL, as the client has it; settings take another 2,000. */
const MAX_URL_PARAMS = 4096

/** Of writing statements, for questions the client does so: the statement itself if its parameters are short or data follows it; else a form with the query and each parameter. */
export function longForm<Params extends Sent>(statement: Params): Params {
  const { query_params, ...rest } = statement
  const fields = Object.entries(query_params ?? {}).map(([name, value]): [string, string] => [
    `param_${name}`,
    written(value),
  ])
  if ('values' in statement || new URLSearchParams(fields).toString().length <= MAX_URL_PARAMS)
    return statement
  const { http_headers, ...form } = asForm([['query', statement.query], ...fields])
  return {
    ...rest,
    ...form,
    http_headers: { ...statement.http_headers, ...http_headers },
  } as unknown as Params
}

/** A request with a form for a body: texts by name, and behind them the bytes of a file, as they arrive. */
export function asForm(
  texts: readonly (readonly [name: string, text: string])[],
  file?: { readonly name: string; readonly bytes: AsyncIterable<unknown> },
) {
  const boundary = randomId()
  const part = (name: string) => `--${boundary}\r\nContent-Disposition: form-data; name="${name}"`
  async function* form() {
    for (const [name, text] of texts) yield `${part(name)}\r\n\r\n${text}\r\n`
    if (file !== undefined) {
      yield `${part(file.name)}; filename="rows"\r\n\r\n`
      yield* file.bytes
      yield '\r\n'
    }
    yield `--${boundary}--\r\n`
  }
  return {
    query: '',
    values: Readable.from(form(), { objectMode: false }),
    http_headers: { 'Content-Type': `multipart/form-data; boundary=${boundary}` },
  }
}

/** A parameter's text as the server reads it: escaped, and quoted within an array. */
function written(value: unknown, inArray = false): string {
  if (Array.isArray(value)) return `[${value.map((item) => written(item, true)).join(',')}]`
  if (typeof value !== 'string') return String(value)
  const escaped = value.replaceAll(/[\t\n\r'\\]/g, (found) => ESCAPES[found]!)
  return inArray ? `'${escaped}'` : escaped
}

const ESCAPES: Readonly<Record<string, string>> = {
  '\t': '\\t',
  '\n': '\\n',
  '\r': '\\r',
  "'": "\\'",
  '\\': '\\\\',
}
