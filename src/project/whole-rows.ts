// Owns the refusal of a transform whose rows depend on how blocks are cut into ranges: its outermost SELECT leaves rows of a range out, or adds some.
import { type BackfillError, fileError } from '../model/errors.ts'
import { closingAt, isKeyword, isName, type Token } from '../sql-syntax/lexer.ts'

/** Of the outermost SELECT, and of those that UNION joins to it. */
export function* cutRows(file: string, all: readonly Token[], level = 0): Generator<BackfillError, void> {
  const selects = all.filter((token) => isKeyword(token, 'SELECT'))
  const outermost = Math.min(...selects.map(({ depth }) => depth))
  const tokens = all.filter(({ depth }) => depth === outermost)
  // A part of the UNION that stands in brackets beside one that does not.
  for (const [at, token] of all.entries())
    if (token.text === '(' && token.depth === outermost && level < MOST_LEVELS && isPart(all, at))
      yield* cutRows(file, all.slice(at + 1, closingAt(all, at)), level + 1)
  for (const [at, token] of tokens.entries()) {
    const added = addedBy(tokens, at)
    const what = added ?? leftOutBy(tokens, at)
    if (what === undefined) continue
    const fate = added === undefined ? 'leaves out rows of each range' : 'adds a row to each range'
    const sentence = `${what} of the outermost SELECT ${fate}: the rows would depend on how blocks are cut into ranges`
    const hint =
      added === undefined ? 'write LIMIT … BY a column of the block, or do without' : 'do without it'
    yield fileError({ rule: 'E084', file, line: token.line, sentence, hint })
  }
}

/** Parts in brackets in parts in brackets: deeper is not looked. */
const MOST_LEVELS = 8

function isPart(all: readonly Token[], at: number): boolean {
  if (!isKeyword(all[at + 1], 'SELECT', 'WITH', 'FROM') && all[at + 1]?.text !== '(') return false
  const isMode = isKeyword(all[at - 1], 'ALL', 'DISTINCT')
  return at === 0 || isKeyword(all[at - (isMode ? 2 : 1)], 'UNION', 'INTERSECT', 'EXCEPT')
}

function addedBy(tokens: readonly Token[], at: number): string | undefined {
  const [token, next, behind] = tokens.slice(at, at + 3)
  if (!isKeyword(next, 'ROLLUP', 'CUBE') || isKeyword(behind, 'AS')) return undefined
  const isGrouping = isKeyword(token, 'WITH') || (isKeyword(token, 'BY') && behind?.text === '(')
  return isGrouping ? next!.text.toUpperCase() : undefined
}

/** Not by `LIMIT n BY`, nor by a column of such a name: a clause stands behind an expression, and before one. */
function leftOutBy(tokens: readonly Token[], at: number): string | undefined {
  const [before, token, next] = [tokens[at - 1], tokens[at], tokens[at + 1]]
  if (isKeyword(token, 'FETCH') && isKeyword(next, 'FIRST', 'NEXT')) return 'FETCH'
  const isNumber = next?.kind === 'number' || ['{', '('].includes(next?.text ?? '')
  if (isKeyword(token, 'TOP')) return isNumber && isKeyword(before, 'SELECT', 'DISTINCT') ? 'TOP' : undefined
  const isExpression = isNumber || next?.text === '-' || isName(next)
  if (!isKeyword(token, 'LIMIT', 'OFFSET') || !isExpression) return undefined
  const isBehind = before !== undefined && /^[\w\])}'"`]/.test(before.text.slice(-1))
  if (!isBehind || isKeyword(before, ...BEFORE_COLUMNS) || isKeyword(next, ...BEHIND_COLUMNS))
    return undefined
  const end = tokens.slice(at + 1).find((one) => isKeyword(one, 'BY', ...CLAUSES_BEHIND))
  return isKeyword(end, 'BY') ? undefined : token!.text.toUpperCase()
}

const BEFORE_COLUMNS =
  'SELECT DISTINCT BY WHERE PREWHERE HAVING QUALIFY ON USING AND OR NOT XOR AS IN LIKE BETWEEN WHEN THEN ELSE CASE WITH'.split(
    ' ',
  )
const BEHIND_COLUMNS =
  'FROM AS ASC DESC AND OR IN IS LIKE BETWEEN WHERE GROUP ORDER HAVING LIMIT UNION SETTINGS'.split(' ')
/** The last three begin the next part of a UNION: its own word is not among the tokens if the parts are in brackets. */
const CLAUSES_BEHIND = ['LIMIT', 'SETTINGS', 'UNION', 'INTERSECT', 'EXCEPT', 'SELECT', 'WITH', 'FROM']
