// Owns the form of a transform: one SELECT over the tables that its header names, bounded by the runner's parameters.
import { cutRows } from './whole-rows.ts'
import { type BackfillError, fileError, refuse, type Report } from '../model/errors.ts'
import type { SqlText } from '../model/model.ts'
import { PINNED_SETTING_NAMES } from '../sql-syntax/settings.ts'
import { isKeyword, significantTokens, unquoted, type Token, compactText } from '../sql-syntax/lexer.ts'
import { onlyStatement } from '../sql-syntax/statements.ts'
import { settings } from './header-values.ts'

/** The statement of a transform file, or of another kind of file. Throws a usage error if the file is not exactly one SELECT. */
export function onlySelect(
  file: string,
  text: string,
  report: Report = refuse,
  kind: keyof typeof ONE_SELECT = 'transform',
): SqlText {
  const hint = ONE_SELECT[kind]
  const sql = onlyStatement(file, text, { missing: `the ${kind} has no SELECT`, hint }, report)
  const tokens = significantTokens(sql)
  const first = tokens.find((token) => token.text !== '(')
  if (!isKeyword(first, 'SELECT', 'WITH', 'FROM')) {
    const sentence = `the ${kind} begins with ${first?.text ?? '('}`
    throw fileError({ rule: 'E023', file, line: first?.line ?? sql.line, sentence, hint })
  }
  const outfile = tokens.find((token, at) => isKeyword(token, 'INTO') && isKeyword(tokens[at + 1], 'OUTFILE'))
  if (outfile !== undefined)
    report(
      fileError({ rule: 'E023', file, line: outfile.line, sentence: `the ${kind} has INTO OUTFILE`, hint }),
    )
  for (const error of pinnedSettings(file, tokens)) report(error)
  if (kind === 'transform') for (const error of cutRows(file, tokens)) report(error)
  return sql
}

const ONE_SELECT = {
  transform: 'a transform is one SELECT or WITH … SELECT; the runner adds the INSERT',
  audit: 'an audit is one SELECT or WITH … SELECT of the rows that must not be there',
  'question of --max-load': 'it is one SELECT or WITH … SELECT; while it returns a row, no chunk starts',
  'readiness file': 'it is one SELECT or WITH … SELECT of ready_to and reason',
} as const

/** What the SETTINGS clause at the end of a SELECT sets: the INSERT around it does not read it, so the runner sends it, too. */
export function clauseSettings(sql: SqlText): Readonly<Record<string, string>> {
  const tokens = significantTokens(sql)
  const outermost = tokens.find(({ text }) => text !== '(')?.depth
  const at = tokens.findLastIndex(
    (token, index) =>
      token.depth === outermost && isKeyword(token, 'SETTINGS') && tokens[index + 2]?.text === '=',
  )
  if (at === -1) return {}
  const clause = tokens.slice(at + 1)
  const end = clause.findIndex(
    (token) => token.depth < outermost! || isKeyword(token, 'UNION', 'INTERSECT', 'EXCEPT'),
  )
  const value = compactText(end === -1 ? clause : clause.slice(0, end))
  return settings({ key: 'SETTINGS', value, file: sql.file, line: tokens[at]!.line })
}

/** A SETTINGS clause overrides the settings that the runner sends, so it may not change a pinned setting either. */
function* pinnedSettings(file: string, tokens: readonly Token[]): Generator<BackfillError, void> {
  let clause: number | undefined
  for (const [index, token] of tokens.entries()) {
    const { depth } = token
    const before = tokens[index - 1]
    if (isKeyword(token, 'SETTINGS')) clause = depth
    else if (clause !== undefined && depth < clause) clause = undefined
    const isName = depth === clause && (isKeyword(before, 'SETTINGS') || before?.text === ',')
    if (!isName || tokens[index + 1]?.text !== '=') continue
    if (!PINNED_SETTING_NAMES.includes(unquoted(token))) continue
    yield fileError({
      rule: 'E025',
      file,
      line: token.line,
      sentence: `the setting '${token.text}' may not be changed`,
      hint: 'leave it out: with another value rows can be lost silently, or the server refuses the statement',
    })
  }
}
