// Owns the rule that the last second of a range is read to its end, where positions have parts of a second.
import { type BackfillError, fileError } from '../../model/errors.ts'
import type { Catalogue, SqlText } from '../../model/model.ts'
import { ddlColumns } from '../../sql-syntax/create-table.ts'
import { isKeyword, significantTokens, type Token, unquoted } from '../../sql-syntax/lexer.ts'
import { columnsIn } from '../../sql-syntax/named-columns.ts'
import { selectAround, tableReads } from '../../sql-syntax/table-refs.ts'

export function* lintLastSecond(
  transform: SqlText,
  { sources, tables }: Pick<Catalogue, 'sources' | 'tables'>,
): Generator<BackfillError, void> {
  for (const { parameter, table, from } of tableReads(transform)) {
    const source = parameter === 'source' && sources.find((one) => one.table === table)
    const read = source
      ? { ddl: source.ddl, position: source.columns.position }
      : parameter === 'target' && tables.find(({ target }) => target === table)
    if (!read) continue
    const named = columnsIn(read.position)
    const fine = ddlColumns(read.ddl)
      .filter(({ name, type }) => named.includes(name) && /DateTime64\((?!0)/.test(type))
      .map(({ name }) => name)
    const around = selectAround(significantTokens(transform), from)
    for (const [at, token] of around.entries()) {
      const column = unquoted(token)
      if (!fine.includes(column) || !endsAtStart(upperBound(around, at + 1))) continue
      yield fileError({
        rule: 'W038',
        file: transform.file,
        line: token.line,
        sentence: `'${column}' of ${table} may have parts of a second, and the range is read up to the beginning of its last second: later rows of that second would be in no range`,
        hint: `write ${column} < fromUnixTimestamp({to:UInt64} + 1)`,
      })
    }
  }
}

/** What the name before `at` is at most: behind `<=`, or the AND of a BETWEEN. */
function upperBound(tokens: readonly Token[], at: number): readonly Token[] {
  const rest = tokens.slice(at)
  const isBetween = isKeyword(rest[0], 'BETWEEN')
  if (!isBetween && rest[0]?.text !== '<=') return []
  const { depth } = rest[0]!
  const ends = (token: Token) => token.depth < depth || (token.depth === depth && isKeyword(token, ...ENDS))
  const bound = rest.slice(isBetween ? rest.findIndex((one) => isKeyword(one, 'AND')) + 1 : 1)
  const end = bound.findIndex(ends)
  return bound.slice(0, end === -1 ? undefined : end)
}

const ENDS = ['AND', 'OR', 'GROUP', 'ORDER', 'LIMIT', 'SETTINGS', 'WINDOW', 'QUALIFY', 'HAVING', 'UNION']

/** Whether it is the end of the range as it is: nothing is added, and no other function than those that make a time of it. */
function endsAtStart(bound: readonly Token[]): boolean {
  const isEnd = bound.some(({ text }, at) => /^to(_block)?$/.test(text) && bound[at - 1]?.text === '{')
  const calls = bound.filter((_, at) => bound[at + 1]?.text === '(').map(({ text }) => text)
  return isEnd && !bound.some(({ text }) => text === '+') && calls.every((name) => TIMES.test(name))
}

const TIMES = /^(fromUnixTimestamp|FROM_UNIXTIME|toDateTime(64)?)$/i
