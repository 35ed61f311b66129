// Owns splitting an SQL file into statements.
import { fileError, refuse, type Report } from '../model/errors.ts'
import type { SqlText } from '../model/model.ts'
import {
  CLOSING,
  isSignificant,
  lex,
  OPENING,
  PARTNERS,
  significantTokens,
  type Token,
  joined,
} from './lexer.ts'

/**
 * From the first comment or token after the last `;` to its own last token: none ends in a comment that could swallow a `)` appended to it.
 * `--!` header lines belong to none. Throws a usage error with file and line for text that cannot be lexed.
 */
export function splitStatements(file: string, text: string): readonly SqlText[] {
  const statements: SqlText[] = []
  let begun: { readonly offset: number; readonly line: number } | undefined
  let end = 0
  const close = () => {
    if (begun !== undefined && end > 0)
      statements.push({ file, text: text.slice(begun.offset, end), line: begun.line })
    begun = undefined
    end = 0
  }
  for (const token of lex({ file, text, line: 1 })) {
    if (token.text === ';') close()
    else if (isHeaderLine(token) && end === 0) begun = undefined
    else if (token.kind !== 'white') {
      begun ??= { offset: token.end - token.text.length, line: token.line }
      if (isSignificant(token)) end = token.end
    }
  }
  close()
  return statements
}

/** `missing`: the error if there is none. Throws a usage error for none, and for a lone bracket: it would end what the program writes around the statement. Reports a second one. */
export function onlyStatement(
  file: string,
  text: string,
  { missing, hint }: { readonly missing: string; readonly hint: string },
  report: Report = refuse,
): SqlText {
  const [first, second] = splitStatements(file, text)
  if (first === undefined) throw fileError({ rule: 'E021', file, sentence: missing, hint })
  const lone = loneBracket(first)
  if (lone !== undefined)
    throw fileError({
      rule: 'E020',
      file,
      line: lone.line,
      sentence: `the bracket ${lone.text} has no partner`,
      hint: 'close what is open, and nothing else',
    })
  const sentence = 'a second statement begins here'
  if (second !== undefined) report(fileError({ rule: 'E022', file, line: second.line, sentence, hint }))
  return first
}

function loneBracket(sql: SqlText): Token | undefined {
  const open: Token[] = []
  for (const token of significantTokens(sql)) {
    if (token.kind !== 'punctuation') continue
    if (OPENING.has(token.text)) open.push(token)
    else if (CLOSING.has(token.text) && PARTNERS[open.pop()?.text ?? ''] !== token.text) return token
  }
  return open.pop()
}

export function isHeaderLine(token: Token): boolean {
  return token.kind === 'comment' && token.text.startsWith('--!')
}

/** Tokens with one space between any two, without comments: formatting does not change it, any other edit does. */
export function normalForm(sql: SqlText): string {
  return joined(significantTokens(sql))
}
