// Owns what a transform may be: one SELECT over the tables that its header names, bounded by the runner's parameters.
import { usageError } from '../errors.ts'
import type { SqlText } from '../model.ts'
import { PINNED_SETTING_NAMES } from './pinned-settings.ts'
import { isKeyword, significantTokens, unquoted, type Token } from './sql-lexer.ts'
import { withDepth } from './token-groups.ts'

/** The statement of a transform file. Throws a usage error with file and line unless it is exactly one SELECT. */
export function onlySelect(file: string, statements: readonly SqlText[]): SqlText {
  const [sql, second] = statements
  if (sql === undefined) throw usageError(`${file}: the transform has no SELECT`, ONE_SELECT)
  if (second !== undefined) {
    throw usageError(`${file}:${second.line}: a second statement begins here`, ONE_SELECT)
  }
  const tokens = significantTokens(sql)
  const first = tokens.find((token) => token.text !== '(')
  if (!isKeyword(first, 'SELECT', 'WITH')) {
    throw usageError(
      `${file}:${first?.line ?? sql.line}: the transform begins with ${first?.text ?? '('}`,
      ONE_SELECT,
    )
  }
  refuseOutputClause(file, tokens)
  refusePinnedSettings(file, tokens)
  return sql
}

const ONE_SELECT = 'a transform is one SELECT or WITH … SELECT; the runner adds the INSERT'

/** Tables written as `{database:Identifier}.name`, with the line of their first mention. */
export function tablesRead(sql: SqlText, database: 'source' | 'target'): ReadonlyMap<string, number> {
  const tokens = significantTokens(sql)
  const tables = new Map<string, number>()
  for (const [index, token] of tokens.entries()) {
    const table = tokens[index + 5]
    if (token.text !== database || table === undefined) continue
    const around = tokens.slice(index - 1, index + 5).map(({ text }) => text)
    const name = unquoted(table)
    if (around.join('') === `{${database}:Identifier}.` && !tables.has(name)) tables.set(name, token.line)
  }
  return tables
}

function refuseOutputClause(file: string, tokens: readonly Token[]): void {
  for (const [index, { token, depth }] of withDepth(tokens).entries()) {
    if (depth > 0) continue
    const [before, next, behind] = [tokens[index - 1], tokens[index + 1], tokens[index + 2]]
    const outfile = isKeyword(token, 'INTO') && isKeyword(next, 'OUTFILE') && behind?.kind === 'string'
    const isName = before?.text === '.' || before?.text === ',' || isKeyword(before, 'AS', 'SELECT', 'BY')
    const ends = behind === undefined || isKeyword(behind, 'SETTINGS', 'INTO')
    const format = isKeyword(token, 'FORMAT') && !isName && next?.kind === 'word' && ends
    if (outfile || format) {
      const clause = outfile ? 'INTO OUTFILE' : 'FORMAT'
      throw usageError(
        `${file}:${token.line}: a transform has no ${clause}`,
        'leave it out: its rows are inserted',
      )
    }
  }
}

/** A SETTINGS clause outweighs what the runner sends along, so it may not undo the pinned settings either. */
function refusePinnedSettings(file: string, tokens: readonly Token[]): void {
  let clause: number | undefined
  for (const [index, { token, depth }] of withDepth(tokens).entries()) {
    const before = tokens[index - 1]
    if (isKeyword(token, 'SETTINGS')) clause = depth
    else if (clause !== undefined && depth < clause) clause = undefined
    const isName = depth === clause && (isKeyword(before, 'SETTINGS') || before?.text === ',')
    if (!isName || tokens[index + 1]?.text !== '=' || !PINNED_SETTING_NAMES.includes(unquoted(token)))
      continue
    throw usageError(
      `${file}:${token.line}: the setting '${token.text}' may not be changed`,
      'leave it out: with another value rows can be lost silently',
    )
  }
}
