// Owns the refusal of sources that ignore FINAL, leave out shards that are down, or lack columns that are read.
import { usageError } from '../model/errors.ts'
import type { SqlText } from '../model/model.ts'
import { leavesOutShards } from '../sql-syntax/ddl-clauses.ts'
import { PINNED_SETTING_NAMES } from '../sql-syntax/settings.ts'
import { significantTokens, isKeyword, isName, type Token, unquoted } from '../sql-syntax/lexer.ts'
import { tableReads, beginsTable } from '../sql-syntax/table-refs.ts'
import type { Server } from './server.ts'
import { FRONTS, type TableBehind, tablesBehind } from './tables-behind.ts'

/**
 * The sources that are plain views or Buffer tables, or end at some (through Merge, Alias, Distributed, other views): ClickHouse ignores
 * FINAL there. A view whose definition reads with FINAL is safe. And those that leave out a shard that is down. `all`: of `tablesBehind`.
 */
export function viewProblems(
  server: Pick<Server, 'connection'>,
  all: readonly TableBehind[],
): readonly { readonly source: string; readonly sentence: string; readonly hint: string }[] {
  return all.flatMap((table) => {
    const [own, front] = [`${server.connection.database}.${table.source}`, `${table.database}.${table.name}`]
    const found = viewProblem(table)
    if (found === undefined) return []
    const [what, instead, unless] = found
    return [
      {
        source: table.source,
        sentence: `the source ${own} ${own === front ? 'is' : `reads ${front},`} ${what}`,
        hint: `${instead}; if ${unless}, write --! view: safe above the CREATE TABLE in sql/source/`,
      },
    ]
  })
}

/** What it is, what to do instead, and when it is safe all the same. */
function viewProblem({ engine, engineFull, name, definition }: TableBehind) {
  const [twice, never] = [
    'rows that were written again would count twice',
    'none of its rows is ever written again',
  ]
  if (leavesOutShards(engineFull))
    return [
      'a Distributed table with SETTINGS skip_unavailable_shards = 1: the rows of a shard that is down would be left out in silence',
      'create it again without this setting',
      'no row may be missed by it',
    ]
  const isBuffer = engine === 'Buffer'
  if (isBuffer)
    return [
      `a Buffer, whose rows FINAL does not merge with those of the table behind it: ${twice}`,
      'read the table behind it',
      never,
    ]
  const setting = engine === 'View' ? ownSetting({ file: name, text: definition, line: 1 }) : undefined
  if (setting !== undefined)
    return [
      `a view with the setting ${setting}, which wins over what is sent: rows could be left out in silence`,
      'take it out of the definition of the view',
      'no row may be missed by it',
    ]
  if (engine !== 'View' || readsFinal({ file: name, text: definition, line: 1 })) return undefined
  return [
    `a view that reads without FINAL, and ClickHouse ignores FINAL on a view: ${twice}`,
    'read with FINAL in the definition of the view',
    never,
  ]
}

/** A setting in the definition of a view that no statement may change, for rows would be missing in silence: it wins over what is sent. */
function ownSetting(definition: SqlText): string | undefined {
  const tokens = significantTokens(definition)
  const behind = tokens.slice(tokens.findIndex((token) => isKeyword(token, 'SETTINGS')))
  if (behind.length === 0 || !isKeyword(behind[0], 'SETTINGS')) return undefined
  const found = behind.find(
    (token, at) =>
      (isKeyword(behind[at - 1], 'SETTINGS') || behind[at - 1]?.text === ',') &&
      behind[at + 1]?.text === '=' &&
      PINNED_SETTING_NAMES.includes(unquoted(token)),
  )
  return found && unquoted(found)
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
 * @returns what stands behind the sources that stand for other tables, as `tablesBehind`
 * @throws BackfillError `usage` for the first of the sources that is such a view, or that lacks such a column
 */
export async function assertReadable(
  server: Server,
  probed: ReadonlyMap<string, readonly string[]>,
): Promise<readonly TableBehind[]> {
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
  const behind = await tablesBehind(
    server,
    found.map(({ name }) => name),
  )
  const [problem] = viewProblems(server, behind)
  if (problem !== undefined) throw usageError(problem.sentence, problem.hint)
  return behind
}
