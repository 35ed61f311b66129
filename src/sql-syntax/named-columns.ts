// Owns which columns an expression of a header or a key names, as far as its tokens tell.
import { isKeyword, isName, significantTokens, unquoted } from './lexer.ts'

/** The columns that an expression names: what is no function, type, unit, keyword, or part of a column (`t.x`). */
export function columnsIn(expression: string): readonly string[] {
  const tokens = significantTokens({ file: '', text: expression, line: 1 })
  // A column may be called `end`.
  const hasCase = tokens.some((token) => isKeyword(token, 'CASE'))
  const names = tokens.filter((token, at) => {
    const [before, two] = [tokens[at - 1], tokens[at - 2]]
    if (!isName(token) || tokens[at + 1]?.text === '(' || before?.text === '.') return false
    const isType = before?.text === '::' || isKeyword(before, 'AS')
    const isUnit = isKeyword(two, 'INTERVAL') || isKeyword(tokens[at + 1], 'FROM')
    return !isType && !isUnit && !isKeyword(token, ...NO_COLUMNS) && !(hasCase && isKeyword(token, 'END'))
  })
  return [...new Set(names.map(unquoted))]
}

const NO_COLUMNS =
  'INTERVAL AS DIV MOD CASE WHEN THEN ELSE AND OR NOT IN IS NULL BETWEEN LIKE FROM TRUE FALSE ASC DESC'.split(
    ' ',
  )
