// Owns asking the server about words of SQL: how it spells a type (a DDL file may say `TEXT`, `Decimal64(4)`, `Enum('a', 'b')`), and whether
// the functions of an expression are deterministic.
import { type DdlColumn, ddlColumns } from '../sql-syntax/create-table.ts'
import type { SqlText } from '../model/model.ts'
import type { BackfillError } from '../model/errors.ts'
import { blamesText } from './error-codes.ts'
import type { Server } from './server.ts'
import { isName, significantTokens, unquoted } from '../sql-syntax/lexer.ts'

/** By the file's spelling; undefined for a type that the server does not know. @throws BackfillError `server` */
export async function typeNames(server: Server, types: readonly string[]) {
  const wanted = [...new Set(types)].filter((type) => type !== '')
  try {
    const found = await ask(server, wanted)
    return new Map(wanted.map((type, index) => [type, found[index]]))
  } catch (error) {
    if (!blamesText(error as BackfillError)) throw error
    // One of them is unknown: ask for each separately, so that the others are found.
    const each = wanted.map(
      async (type) => [type, (await ask(server, [type]).catch(() => asState(server, type)))[0]] as const,
    )
    return new Map(await Promise.all(each))
  }
}

/** The server has the type, and makes no value of it (26.7). */
async function asState(server: Server, type: string): Promise<readonly string[]> {
  if (!/^AggregateFunction\(.*LowCardinality\(/s.test(type)) return []
  const found = await ask(server, [type.replaceAll(/LowCardinality\((\w+(?:\(\w+\))?)\)/g, '$1')]).catch(
    () => [],
  )
  return found.length === 0 ? [] : [type]
}

/** The columns of a CREATE TABLE, with the server's spelling of each known type. @throws BackfillError `server` */
export async function columnsOfDdl(server: Server, ddl: SqlText): Promise<readonly DdlColumn[]> {
  const columns = ddlColumns(ddl)
  const names = await typeNames(
    server,
    columns.map(({ type }) => type),
  )
  return columns.map((column) => ({ ...column, type: names.get(column.type) ?? column.type }))
}

async function ask({ client }: Server, types: readonly string[]): Promise<readonly string[]> {
  if (types.length === 0) return []
  const names = types.map((_, index) => `toTypeName(defaultValueOfTypeName({t${index}:String}))`)
  const [row = []] = await client.rows<string[]>({
    query: `SELECT ${names.join(', ')}`,
    query_params: Object.fromEntries(types.map((type, index) => [`t${index}`, type])),
    format: 'JSONCompact',
    doing: 'reading the SQL files',
  })
  return row
}

/** `unknown`: the server does not report it for one of the functions, or (old versions) for any. */
export type Determinism = 'deterministic' | 'nondeterministic' | 'unknown'

/** One answer per expression, in order. @throws BackfillError `server` */
export async function determinismOf(
  server: Pick<Server, 'client'>,
  expressions: readonly string[],
): Promise<readonly Determinism[]> {
  const calls = expressions.map((expression) => callsOf(expression))
  if (calls.every(({ length }) => length === 0)) return expressions.map(() => 'deterministic')
  const { said } = await functionsOf(server)
  return calls.map((names) => {
    // The server has accepted the expression, so a word before a parenthesis that is not a function is an operator.
    const answers = names.flatMap((name) => said.get(name) ?? [])
    if (answers.includes(0)) return 'nondeterministic'
    return answers.includes(null) ? 'unknown' : 'deterministic'
  })
}

/** Names of the functions that somebody has made on the server. @throws BackfillError `server` */
export async function ownFunctions(server: Pick<Server, 'client'>): Promise<ReadonlySet<string>> {
  return (await functionsOf(server)).own
}

type Functions = {
  /** What a server says of each function (1: deterministic, null: it does not say), by its name in lower case. */
  readonly said: ReadonlyMap<string, readonly (number | null)[]>
  readonly own: ReadonlySet<string>
}

/** A server's functions do not change during a run: they are asked for once. */
const asked = new WeakMap<object, Promise<Functions>>()

function functionsOf(server: Pick<Server, 'client'>): Promise<Functions> {
  const before = asked.get(server)
  if (before !== undefined) return before
  const now = askFunctions(server)
  asked.set(server, now)
  now.catch(() => asked.delete(server)) // the next one asks again
  return now
}

async function askFunctions({ client }: Pick<Server, 'client'>): Promise<Functions> {
  // Of some versions `deterministic`, of others `is_deterministic`; some have neither.
  const rows = await client.rows<{ name: string; said: (number | null)[]; body: string; origin: string }>({
    query: `SELECT name, array(COLUMNS('^(is_)?deterministic$')) AS said, create_query AS body, origin FROM system.functions`,
    doing: 'asking which functions are deterministic',
  })
  const byName = Map.groupBy(rows, ({ name }) => name.toLowerCase())
  const all = new Map([...byName].map(([name, found]) => [name, found.map(({ said }) => said[0] ?? null)]))
  const own = rows
    .filter(({ body }) => body !== '')
    .map(({ name, body }) => [name.toLowerCase(), callsOf(body)] as const)
  // One round per function that somebody has made: one may call another.
  for (const _ of own)
    for (const [name, calls] of own)
      if (calls.some((call) => call !== name && all.get(call)?.includes(0))) all.set(name, [0])
  const made = rows.filter(({ origin }) => origin !== 'System').map(({ name }) => name)
  return { said: all, own: new Set(made) }
}

/** ClickHouse takes these without brackets, too. */
const WITHOUT_BRACKETS = /^current_(timestamp|date)$/i

/** Names of the functions that an expression calls, in lower case, because the case of some does not matter. */
function callsOf(expression: string): readonly string[] {
  const tokens = significantTokens({ file: '', text: expression, line: 1 })
  return tokens
    .filter(
      (token, at) => isName(token) && (tokens[at + 1]?.text === '(' || WITHOUT_BRACKETS.test(token.text)),
    )
    .map((token) => unquoted(token).toLowerCase())
}
