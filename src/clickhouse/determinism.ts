// Owns whether an SQL expression has the same value each time it is computed: the server is asked about its functions.
import { significantTokens, unquoted } from '../sql-syntax/lexer.ts'
import { typed } from './dialect.ts'
import type { Server } from './server.ts'

/** `unknown`: the server does not say, of one of the functions or (versions differ) of any. */
export type Determinism = 'deterministic' | 'nondeterministic' | 'unknown'

/** Of each expression, in their order. @throws BackfillError `server` */
export async function determinismOf(
  server: Pick<Server, 'during'>,
  expressions: readonly string[],
): Promise<readonly Determinism[]> {
  const calls = expressions.map(callsOf)
  if (calls.every(({ length }) => length === 0)) return expressions.map(() => 'deterministic')
  const rows = await server
    .during('asking which functions are deterministic')
    .selectFrom('system.functions')
    // All columns: the one that says it is `deterministic` or `is_deterministic`, and absent in some versions.
    .selectAll()
    .where(({ fn, eb }) =>
      eb(fn<string>('lower', ['name']), 'in', typed<string[]>(calls.flat(), 'Array(String)')),
    )
    .execute()
  const said = Map.groupBy(rows, ({ name }) => name.toLowerCase())
  return calls.map((names) => {
    // A word before a parenthesis that is no function is an operator: the server has accepted the expression.
    const answers = names
      .flatMap((name) => said.get(name) ?? [])
      .map((row) => row.deterministic ?? row.is_deterministic ?? null)
    if (answers.includes(0)) return 'nondeterministic'
    return answers.includes(null) ? 'unknown' : 'deterministic'
  })
}

/** Names of the functions that an expression calls, in lower case: for some the server does not mind the case. */
function callsOf(expression: string): readonly string[] {
  const tokens = significantTokens({ file: '', text: expression, line: 1 })
  return tokens.flatMap((token, index) =>
    (token.kind === 'word' || token.kind === 'identifier') && tokens[index + 1]?.text === '('
      ? [unquoted(token).toLowerCase()]
      : [],
  )
}
