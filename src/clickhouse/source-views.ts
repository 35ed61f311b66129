// Owns the refusal of source views that ignore FINAL: rows that were written again would count twice.
import { isKeyword, significantTokens } from '../sql-syntax/lexer.ts'
import { usageError } from '../model/errors.ts'
import type { ExistingTable } from './existing-tables.ts'
import type { Server } from './server.ts'

/**
 * ClickHouse ignores FINAL on a plain view. One whose definition reads with FINAL is safe; so is one that its file in
 * sql/source/ declares safe.
 * @param name with its database, for the message
 */
export function viewProblem(
  name: string,
  { engine, definition }: Pick<ExistingTable, 'engine' | 'definition'>,
): { readonly sentence: string; readonly hint: string } | undefined {
  if (engine !== 'View') return undefined
  const tokens = significantTokens({ file: name, text: definition, line: 1 })
  if (tokens.some((token) => isKeyword(token, 'FINAL'))) return undefined
  return {
    sentence: `the source ${name} is a view that reads without FINAL, and ClickHouse ignores FINAL on a view: rows that were written again would count twice`,
    hint: 'read with FINAL in the definition of the view; if none of its rows is ever written again, write --! view: safe above the CREATE TABLE in sql/source/',
  }
}

/** @throws BackfillError `usage` for the first of the sources that is such a view */
export async function assertNoUnsafeView(server: Server, sources: readonly string[]): Promise<void> {
  const { database } = server.connection
  // Views alone: the profile of a user may limit the rows of an answer.
  const views = await server.client.rows<{ name: string; engine: string; definition: string }>({
    query: `SELECT name, engine, create_table_query AS definition FROM system.tables
      WHERE database = {database:String} AND engine = 'View' AND name IN {sources:Array(String)}`,
    query_params: { database, sources },
    doing: 'looking for views among the sources',
  })
  for (const view of views) {
    const problem = viewProblem(`${database}.${view.name}`, view)
    if (problem) throw usageError(problem.sentence, problem.hint)
  }
}
