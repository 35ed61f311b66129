// Owns whether an SQL expression is deterministic, by asking the server about its functions.
import { isName, significantTokens, unquoted } from '../sql-syntax/lexer.ts'
import type { Server } from './server.ts'

/** `unknown`: the server does not report it for one of the functions, or (old versions) for any. */
export type Determinism = 'deterministic' | 'nondeterministic' | 'unknown'

/** One answer per expression, in order. @throws BackfillError `server` */
export async function determinismOf(
  server: Pick<Server, 'client'>,
  expressions: readonly string[],
): Promise<readonly Determinism[]> {
  const calls = expressions.map((expression) => callsOf(expression))
  if (calls.every(({ length }) => length === 0)) return expressions.map(() => 'deterministic')
  const said = await functionsOf(server)
  return calls.map((names) => {
    // The server has accepted the expression, so a word before a parenthesis that is not a function is an operator.
    const answers = names.flatMap((name) => said.get(name) ?? [])
    if (answers.includes(0)) return 'nondeterministic'
    return answers.includes(null) ? 'unknown' : 'deterministic'
  })
}

/** What a server says of each function (1: deterministic, null: it does not say), by its name in lower case. */
type Functions = ReadonlyMap<string, readonly (number | null)[]>

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
  const rows = await client.rows<{ name: string; said: (number | null)[] }>({
    query: `SELECT lower(name) AS name, array(COLUMNS('^(is_)?deterministic$')) AS said FROM system.functions`,
    doing: 'asking which functions are deterministic',
  })
  const byName = Map.groupBy(rows, ({ name }) => name)
  return new Map([...byName].map(([name, all]) => [name, all.map(({ said }) => said[0] ?? null)]))
}

/** Names of the functions that an expression calls, in lower case, because the case of some does not matter. */
function callsOf(expression: string): readonly string[] {
  const tokens = significantTokens({ file: '', text: expression, line: 1 })
  return tokens
    .filter((token, at) => isName(token) && tokens[at + 1]?.text === '(')
    .map((token) => unquoted(token).toLowerCase())
}
