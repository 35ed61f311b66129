// Owns stub tables: empty subqueries of the right types in place of inputs that do not exist yet.
import type { SqlText } from '../../model/model.ts'
import type { DdlColumn } from '../../sql-syntax/create-table.ts'
import { tableReads } from '../../sql-syntax/table-refs.ts'
import { isKeyword, significantTokens, type Token } from '../../sql-syntax/lexer.ts'
import { quoteIdentifier, quoteString } from '../../sql-syntax/quoting.ts'
import { withReplaced } from '../../sql-syntax/tokens.ts'

export type StubTable = {
  readonly parameter: 'source' | 'target'
  readonly table: string
  readonly columns: readonly DdlColumn[]
}

/** The statement with empty subqueries for missing tables, on the same lines; undefined where none may stand. */
export function withStubTables(sql: SqlText, stubTables: readonly StubTable[]): string | undefined {
  const tokens = significantTokens(sql)
  const written = new Map<number, string>()
  for (const { parameter, table, from, to } of tableReads(sql)) {
    const stubTable = stubTables.find((one) => one.parameter === parameter && one.table === table)
    if (stubTable === undefined) continue
    if (tokens.some((token) => isKeyword(token, 'PREWHERE', 'SAMPLE'))) return undefined
    for (let at = from; at < to; at++) written.set(at, '')
    const alias = aliasAt(tokens, to)
    const final = isKeyword(tokens[to], 'FINAL') ? to : alias.to
    if (isKeyword(tokens[final], 'FINAL')) written.set(final, '')
    written.set(
      from,
      `(${emptyRows(stubTable.columns)})${alias.given ? '' : ` AS ${quoteIdentifier(table)}`}`,
    )
  }
  return withReplaced(sql, written)
}

/** Whether the table has an alias, before or after FINAL, and where the alias ends. */
function aliasAt(tokens: readonly Token[], to: number): { readonly given: boolean; readonly to: number } {
  const at = isKeyword(tokens[to], 'FINAL') ? to + 1 : to
  if (isKeyword(tokens[at], 'AS')) return { given: true, to: at + 2 }
  const next = tokens[at]
  const isAlias =
    next?.kind === 'identifier' || (next?.kind === 'word' && !CLAUSE_WORDS.has(next.text.toUpperCase()))
  return { given: isAlias, to: isAlias ? at + 1 : at }
}

const CLAUSE_WORDS: ReadonlySet<string> = new Set(
  `FINAL WHERE GROUP ORDER LIMIT UNION INTERSECT EXCEPT HAVING QUALIFY WINDOW SETTINGS OFFSET FETCH FORMAT INTO ARRAY
   JOIN INNER LEFT RIGHT FULL CROSS ANY ALL ASOF SEMI ANTI GLOBAL PASTE ON USING`.split(/\s+/),
)

function emptyRows(columns: readonly DdlColumn[]): string {
  const items = columns
    .filter(({ type, defaultKind }) => type !== '' && defaultKind !== 'EPHEMERAL')
    .map(({ name, type }) => `defaultValueOfTypeName(${quoteString(type)}) AS ${quoteIdentifier(name)}`)
  return `SELECT ${items.join(', ')} WHERE 0`
}
