// Owns the form of a transform: one SELECT over the tables that its header names, bounded by the runner's parameters.
import { type BackfillError, fileError } from '../model/errors.ts'
import type { SqlText } from '../model/model.ts'
import { PINNED_SETTING_NAMES } from '../sql-syntax/pinned-settings.ts'
import { refuse, type Report } from '../sql-syntax/problems.ts'
import { isKeyword, significantTokens, unquoted, type Token } from '../sql-syntax/lexer.ts'
import { onlyStatement } from '../sql-syntax/statements.ts'

/** The statement of a transform file. Throws a usage error if the file is not exactly one SELECT. */
export function onlySelect(file: string, text: string, report: Report = refuse): SqlText {
  const sql = onlyStatement(file, text, { missing: 'the transform has no SELECT', hint: ONE_SELECT }, report)
  const tokens = significantTokens(sql)
  const first = tokens.find((token) => token.text !== '(')
  if (!isKeyword(first, 'SELECT', 'WITH')) {
    const sentence = `the transform begins with ${first?.text ?? '('}`
    throw fileError({ rule: 'E023', file, line: first?.line ?? sql.line, sentence, hint: ONE_SELECT })
  }
  for (const error of pinnedSettings(file, tokens)) report(error)
  return sql
}

const ONE_SELECT = 'a transform is one SELECT or WITH … SELECT; the runner adds the INSERT'

/** A SETTINGS clause overrides the settings that the runner sends, so it may not change a pinned setting either. */
function* pinnedSettings(file: string, tokens: readonly Token[]): Generator<BackfillError, void> {
  let clause: number | undefined
  const outermost = tokens.find(({ text }) => text !== '(')?.depth
  for (const [index, token] of tokens.entries()) {
    const { depth } = token
    const before = tokens[index - 1]
    if (isKeyword(token, 'SETTINGS')) clause = depth
    else if (clause !== undefined && depth < clause) clause = undefined
    const isName = depth === clause && (isKeyword(before, 'SETTINGS') || before?.text === ',')
    if (!isName || tokens[index + 1]?.text !== '=') continue
    if (!PINNED_SETTING_NAMES.includes(unquoted(token))) {
      // The outermost clause of the file is inside of the INSERT, which does not read it.
      if (depth === outermost)
        yield fileError({
          rule: 'E025',
          file,
          line: token.line,
          sentence: `the setting '${token.text}' in the SETTINGS clause of a transform has no effect on the INSERT around it`,
          hint: 'write it into the header: --! settings: name = value',
        })
      continue
    }
    yield fileError({
      rule: 'E025',
      file,
      line: token.line,
      sentence: `the setting '${token.text}' may not be changed`,
      hint: 'leave it out: with another value rows can be lost silently',
    })
  }
}
