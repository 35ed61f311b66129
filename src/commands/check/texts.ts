// Owns what the server says of texts that are not run: types, expressions, statements.
import { errorCode, serverError } from '../../clickhouse/server-error.ts'
import type { Server } from '../../clickhouse/server.ts'

/** Types as the server writes them; undefined for what it does not know. */
export async function typeNames(
  server: Server,
  types: readonly string[],
): Promise<ReadonlyMap<string, string | undefined>> {
  const wanted = [...new Set(types)]
  const ask = (some: readonly string[]) => values(server, 'toTypeName(defaultValueOfTypeName(?))', some)
  try {
    const found = await ask(wanted)
    return new Map(wanted.map((type, index) => [type, found[index]]))
  } catch (error) {
    if (errorCode(error) === 0) return failed(server, error)
    // One of them is unknown: each by itself, so that the others are known.
    const each = wanted.map(async (type) => [type, (await ask([type]).catch(() => []))[0]] as const)
    return new Map(await Promise.all(each))
  }
}

/** Expressions as the server writes them; what it cannot read stays as it is. */
export async function formatted(server: Server, expressions: readonly string[]): Promise<readonly string[]> {
  const statements = expressions.map((expression) => SELECT + expression)
  const found = await values(server, 'formatQuerySingleLineOrNull(?)', statements).catch((error: unknown) =>
    failed(server, error),
  )
  return expressions.map((expression, index) => found[index]?.slice(SELECT.length) ?? expression)
}

const SELECT = 'SELECT '

/** What the server says against the text of a statement; undefined where it can be read. */
export async function unreadable(server: Server, text: string): Promise<string | undefined> {
  try {
    await values(server, 'formatQuerySingleLine(?)', [text])
    return undefined
  } catch (error) {
    return errorCode(error) === 0 || !(error instanceof Error) ? failed(server, error) : error.message
  }
}

/** The call with each text in place of the `?`. */
async function values({ client }: Server, call: string, texts: readonly string[]): Promise<string[]> {
  if (texts.length === 0) return []
  const calls = texts.map((_, index) => call.replace('?', `{t${index}:String}`))
  const result = await client.query({
    query: `SELECT ${calls.join(', ')}`,
    query_params: Object.fromEntries(texts.map((text, index) => [`t${index}`, text])),
    format: 'JSONCompactEachRow',
  })
  const [row = []] = await result.json<string[]>()
  return row
}

function failed({ connection }: Server, error: unknown): never {
  throw serverError(error, { connection, doing: 'reading the SQL files' })
}
