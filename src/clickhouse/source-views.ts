// Owns the refusal of sources that lack columns that are read, or ignore FINAL: views and Buffer tables.
import type { SqlText } from '../model/model.ts'
import { isKeyword, isName, significantTokens, type Token } from '../sql-syntax/lexer.ts'
import { beginsTable, tableReads } from '../sql-syntax/table-refs.ts'
import { usageError } from '../model/errors.ts'
import type { Server } from './server.ts'
import { FRONTS, tablesBehind } from './tables-behind.ts'

/**
 * The sources that are plain views or Buffer tables, or end at some (through Merge, Alias, Distributed, other views): ClickHouse ignores
 * FINAL there. A view whose definition reads with FINAL is safe. @throws BackfillError `server`
 */
export async function viewProblems(
  server: Pick<Server, 'client' | 'connection'>,
  sources: readonly string[],
): Promise<readonly { readonly source: string; readonly sentence: string; readonly hint: string }[]> {
  const views = (await tablesBehind(server, sources)).filter(
    ({ engine, name, definition }) =>
      engine === 'Buffer' || (engine === 'View' && !readsFinal({ file: name, text: definition, line: 1 })),
  )
  return views.map(({ source, database, name, engine }) => {
    const [own, view] = [`${server.connection.database}.${source}`, `${database}.${name}`]
    const [what, instead] =
      engine === 'Buffer'
        ? [
            `${own === view ? 'is' : `reads ${view},`} a Buffer, whose rows FINAL does not merge with those of the table behind it`,
            'read the table behind it',
          ]
        : [
            `${own === view ? 'is a view that' : `reads the view ${view}, which`} reads without FINAL, and ClickHouse ignores FINAL on a view`,
            'read with FINAL in the definition of the view',
          ]
    return {
      source,
      sentence: `the source ${own} ${what}: rows that were written again would count twice`,
      hint: `${instead}; if none of its rows is ever written again, write --! view: safe above the CREATE TABLE in sql/source/`,
    }
  })
}

/** Whether each table in the definition, as the server writes it, is read with FINAL: none by a table function or behind a comma. */
export function readsFinal(definition: SqlText): boolean {
  const tokens = significantTokens(definition)
  const reads = tableReads(definition)
  return (
    reads.length > 0 &&
    reads.every(({ to }) => isKeyword(tokens[isKeyword(tokens[to], 'AS') ? to + 2 : to], 'FINAL')) &&
    !tokens.some(
      (_, at) => beginsTable(tokens, at) && (isFunction(tokens, at + 1) || hasComma(tokens, at)),
    ) &&
    // `IN t` reads a table, too.
    !tokens.some(
      (token, at) => isKeyword(token, 'IN') && isName(tokens[at + 1]) && !isFunction(tokens, at + 1),
    )
  )
}

const isFunction = (tokens: readonly Token[], at: number) =>
  isName(tokens[at]) && tokens[at + 1]?.text === '('

function hasComma(tokens: readonly Token[], from: number): boolean {
  const { depth } = tokens[from]!
  for (const token of tokens.slice(from + 1)) {
    if (token.depth < depth || (token.depth === depth && isKeyword(token, ...AFTER_TABLES))) return false
    if (token.depth === depth && token.text === ',') return true
  }
  return false
}

const AFTER_TABLES =
  'ARRAY PREWHERE WHERE GROUP HAVING WINDOW QUALIFY ORDER LIMIT SETTINGS UNION INTERSECT EXCEPT'.split(' ')

/**
 * @param probed of each source, the columns by which missing blocks are found
 * @throws BackfillError `usage` for the first of the sources that is such a view, or that lacks such a column
 */
export async function assertReadable(
  server: Server,
  probed: ReadonlyMap<string, readonly string[]>,
): Promise<void> {
  const { database } = server.connection
  const sources = [...probed.keys()]
  // Those that may be a problem alone: the profile of a user may limit the rows of an answer.
  const found = await server.client.rows<{ name: string; lacking: readonly string[] }>({
    query: `SELECT name, arrayFilter(column -> NOT has(columns, column), {probed:Array(Array(String))}[indexOf({sources:Array(String)}, name)]) AS lacking
      FROM (SELECT name, engine FROM system.tables
        WHERE database = {database:String} AND name IN {sources:Array(String)}) AS tables
      INNER JOIN (SELECT table, groupArray(name) AS columns FROM system.columns
        WHERE database = {database:String} AND table IN {sources:Array(String)} GROUP BY table) AS readable
      ON tables.name = readable.table
      WHERE has({fronts:Array(String)}, engine) OR lacking != []`,
    query_params: { database, sources, probed: [...probed.values()], fronts: FRONTS },
    doing: 'looking at the sources',
  })
  const unfit = found.find(({ lacking }) => lacking.length > 0)
  if (unfit !== undefined)
    throw usageError(
      `the source ${database}.${unfit.name} has no column ${unfit.lacking.join(', ')}, by which missing blocks are found; or user '${server.connection.username}' may not read it`,
      'read another table, or a view of it with these columns; or write what it has in its file in sql/source/: --! position, --! network, --! written',
    )
  const [problem] = await viewProblems(
    server,
    found.map(({ name }) => name),
  )
  if (problem !== undefined) throw usageError(problem.sentence, problem.hint)
}
