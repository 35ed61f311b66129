// Owns finding the expressions of a statement that have a name: `WITH toUInt32({from_block:UInt64}) AS lo`.
import { isKeyword, type Token, unquoted } from '../../sql-syntax/lexer.ts'

/** Tokens of an expression with a name, or of a condition on one side of its column, at most: a file may be written to be slow. */
export const NEAR = 64

/** Each name with the tokens of its expression, in their order. */
export function* namedExpressions(
  tokens: readonly Token[],
): Generator<readonly [name: string, expression: readonly Token[]], void> {
  for (const [at, token] of tokens.entries()) {
    const name = tokens[at + 1]
    if (!isKeyword(token, 'AS') || name === undefined) continue
    const begins = (one: Token) =>
      one.depth < token.depth ||
      (one.depth === token.depth && (one.text === ',' || isKeyword(one, 'WITH', 'SELECT')))
    const near = tokens.slice(Math.max(0, at - NEAR), at)
    yield [unquoted(name), near.slice(near.findLastIndex(begins) + 1)]
  }
}
