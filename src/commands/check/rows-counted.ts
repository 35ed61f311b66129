// Owns the rules about which rows of an input a SELECT counts: those of one network, and of rows that were written again the last version.
import { type BackfillError, fileError } from '../../model/errors.ts'
import type { Catalogue, SqlText } from '../../model/model.ts'
import { ddlClauses } from '../../sql-syntax/ddl-clauses.ts'
import { isKeyword, significantTokens, type Token, unquoted } from '../../sql-syntax/lexer.ts'
import { selectAround, tableReads } from '../../sql-syntax/table-refs.ts'
import { aliasAt } from './transform.ts'

export function* lintRowsCounted(
  transform: SqlText,
  { sources, tables }: Pick<Catalogue, 'sources' | 'tables'>,
): Generator<BackfillError, void> {
  const tokens = significantTokens(transform)
  const names = tokens.map(unquoted)
  const readsFinal = names.some((name, at) => name === 'final' && names[at + 1] === '=')
  for (const { parameter, table, line, from, to } of tableReads(transform)) {
    const source = parameter === 'source' ? sources.find((one) => one.table === table) : undefined
    const input = parameter === 'target' ? tables.find(({ target }) => target === table) : undefined
    const around = selectAround(tokens, from)
    const problem = (rule: 'W086' | 'W087', sentence: string, hint: string) =>
      fileError({ rule, file: transform.file, line, sentence, hint })
    const network = source?.columns.network
    // A transform that names the network nowhere is E032. A join may compare the column with that of another table.
    const named = around.map(unquoted)
    if (
      network !== undefined &&
      names.includes('network') &&
      ![network, 'network'].some((one) => named.includes(one))
    )
      yield problem(
        'W086',
        `the SELECT that reads '${table}' does not name the network: it counts rows of all networks that the source holds`,
        `filter by ${network} = {network:String} in this SELECT`,
      )
    const isKept = source !== undefined || (input !== undefined && input.rows.kind !== 'per-block')
    const ddl = source?.ddl ?? input?.ddl
    const engine = isKept && ddl ? ddlClauses(ddl).engine : undefined
    if (!engine || !MERGED.test(engine.name) || readsFinal || takesOne(around)) continue
    const isFinal = [to, aliasAt(tokens, to).to].some((at) => isKeyword(tokens[at], 'FINAL'))
    if (!isFinal)
      yield problem(
        'W087',
        `reads '${table}' without FINAL, and its engine is ${engine.name}: a row that was written again is there twice until ClickHouse merges it away, and would count twice`,
        'write FINAL behind the name of the table',
      )
  }
}

/** Engines whose rows `FINAL` merges. */
const MERGED = /^(Replacing|Collapsing|VersionedCollapsing|Summing|Aggregating|Coalescing)MergeTree/

/** Whether versions of one row cannot count twice, because the SELECT takes one of equals, or one of a key, and adds none up beside that. */
function takesOne(tokens: readonly Token[]): boolean {
  const addsUp = tokens.some(
    (token, at) =>
      tokens[at + 1]?.text === '(' && ALL.test(unquoted(token)) && !isKeyword(tokens[at + 2], 'DISTINCT'),
  )
  if (addsUp) return false
  return tokens.some(
    (token, at) =>
      isKeyword(token, 'DISTINCT') ||
      (isKeyword(token, 'BY') && !isKeyword(tokens[at - 1], 'GROUP', 'ORDER', 'PARTITION')) ||
      (tokens[at + 1]?.text === '(' && ONE.test(unquoted(token))),
  )
}

const ONE =
  /^(min|max|any\w*|arg(Min|Max)\w*|uniq\w*|count(Distinct)|group(Uniq|Bitmap)\w*|\w+(Merge|Distinct))$/i

const ALL = /^(count|sum|avg)(If|State)?$/i
