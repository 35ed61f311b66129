// Owns a table's DDL for another name: the same CREATE TABLE, word for word but for the name.
import { usageError } from '../../model/errors.ts'
import type { SqlText } from '../../model/model.ts'
import { isKeyword, lex, type Token, unquoted } from '../../sql-syntax/lexer.ts'

/** @throws BackfillError `usage` where the statement does not create `from` */
export function renamedDdl(ddl: SqlText, from: string, to: string): SqlText {
  const tokens = [...lex(ddl)]
  const body = tokens.findIndex(({ text }) => text === '(')
  const at = tokens.findLastIndex((token, index) => index < body && isName(token) && unquoted(token) === from)
  if (at === -1 || !tokens.some((token) => isKeyword(token, 'CREATE')))
    throw usageError(`${ddl.file}:${ddl.line}: the DDL does not create '${from}'`)
  return { ...ddl, text: tokens.map((token, index) => (index === at ? to : token.text)).join('') }
}

function isName({ kind }: Token): boolean {
  return kind === 'word' || kind === 'identifier'
}
