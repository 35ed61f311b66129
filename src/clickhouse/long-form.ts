// Owns long parameters of writing statements: in the body, because proxies take lines of 8 KiB. For questions the client does so.
import { Readable } from 'node:stream'
import { randomId } from '../seam/random.ts'

/** Characters of encoded parameters that may stand in the URL, as the client has it; settings take another 2,000. */
const MAX_URL_PARAMS = 4096

type Sent = {
  readonly query: string
  readonly query_params?: Record<string, unknown>
  readonly http_headers?: Record<string, string>
}

/** The statement itself if its parameters are short or data follows it; else a form with the query and each parameter. */
export function longForm<Params extends Sent>(statement: Params): Params {
  const { query_params, ...rest } = statement
  const fields = Object.entries(query_params ?? {}).map(([name, value]): [string, string] => [
    `param_${name}`,
    written(value),
  ])
  if ('values' in statement || new URLSearchParams(fields).toString().length <= MAX_URL_PARAMS)
    return statement
  const boundary = randomId()
  const parts = [['query', statement.query], ...fields].map(
    ([name, value]) => `--${boundary}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`,
  )
  return {
    ...rest,
    query: '',
    values: Readable.from([`${parts.join('')}--${boundary}--\r\n`]),
    http_headers: {
      ...statement.http_headers,
      'Content-Type': `multipart/form-data; boundary=${boundary}`,
    },
  } as unknown as Params
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
