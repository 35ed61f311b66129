// Owns whether an SQL expression is deterministic, by asking the server about its functions.
import { significantTokens, unquoted } from '../sql-syntax/lexer.ts'
import { typed } from './dialect.ts'
import type { Server } from './server.ts'

/** `unknown`: the server does not report it for one of the functions, or (old versions) for any. */
export type Determinism = 'deterministic' | 'nondeterministic' | 'unknown'

/** One answer per expression, in order. @throws BackfillError `server` */
export async function determinismOf(
  server: Pick<Server, 'during'>,
  expressions: readonly string[],
): Promise<readonly Determinism[]> {
  const calls = expressions.map(callsOf)
  if (calls.every(({ length }) => length === 0)) return expressions.map(() => 'deterministic')
  const rows = await server
    .during('asking which functions are deterministic')
    .selectFrom('system.functions')
    // All columns: the needed one is called `deterministic` or `is_deterministic`, and some versions lack it.
    .selectAll()
    .where(({ fn, eb }) =>
      eb(fn<string>('lower', ['name']), 'in', typed<string[]>(calls.flat(), 'Array(String)')),
    )
    .execute()
  const said = Map.groupBy(rows, ({ name }) => name.toLowerCase())
  return calls.map((names) => {
    // The server has accepted the expression, so a word before a parenthesis that is not a function is an operator.
    const answers = names
      .flatMap((name) => said.get(name) ?? [])
      .map((row) => row.deterministic ?? row.is_deterministic ?? null)
    if (answers.includes(0)) return 'nondeterministic'
    return answers.includes(null) ? 'unknown' : 'deterministic'
  })
}

/** Names of the functions that an expression calls, in lower case, because the case of some does not matter. */
function callsOf(expression: string): readonly string[] {
  const tokens = significantTokens({ file: '', text: expression, line: 1 })
  return tokens.flatMap((token, index) =>
    (token.kind === 'word' || token.kind === 'identifier') && tokens[index + 1]?.text === '('
      ? [unquoted(token).toLowerCase()]
      : [],
  )
}
