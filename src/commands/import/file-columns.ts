// Owns the columns that an import reads from a file: its SQL names them in `input('name Type, …')`.
import { fileError } from '../../model/errors.ts'
import type { SqlText } from '../../model/model.ts'
import { isKeyword, lex, isSignificant, significantTokens, unquoted } from '../../sql-syntax/lexer.ts'
import { splitAtCommas } from '../../sql-syntax/tokens.ts'

export type FileColumn = {
  readonly name: string
  /** The SQL uses `{has_<name>:Bool}` to learn whether the file has the column. */
  readonly optional: boolean
}

/** The parameter that says whether a file has the column. */
export function hasParameter(column: string): string {
  return `has_${column}`
}

/** The columns' names. @throws BackfillError `usage` with file and line if the SQL has no input() */
export function fileColumnNames(sql: SqlText): readonly string[] {
  const tokens = significantTokens(sql)
  const at = tokens.findIndex(
    (token, index) =>
      isKeyword(token, 'INPUT') && tokens[index + 1]?.text === '(' && tokens[index + 2]?.kind === 'string',
  )
  const structure = tokens[at + 2]
  if (at === -1 || structure === undefined)
    throw fileError({
      rule: 'E023',
      file: sql.file,
      line: sql.line,
      sentence: 'an import reads the rows of a file',
      hint: "write FROM input('name Type, …') with the columns of the file",
    })
  const inner = { file: sql.file, text: structure.text.slice(1, -1), line: structure.line }
  const items = splitAtCommas([...lex(inner)].filter(isSignificant))
  return items.flatMap(([name]) => (name === undefined ? [] : [unquoted(name)]))
}
