// Owns what "the same SQL" means: the text that is hashed to find out whether a transform has changed.
import type { SqlText } from '../model/model.ts'
import { significantTokens } from './lexer.ts'

/**
 * The tokens of a statement with one space between any two, without comments: re-formatting and commenting leave it
 * as it is, any other change shows. Strings, quoted identifiers and heredocs stay to the letter.
 * Throws a usage error with file and line for text that cannot be lexed.
 */
export function normalForm(sql: SqlText): string {
  return significantTokens(sql)
    .map((token) => token.text)
    .join(' ')
}
