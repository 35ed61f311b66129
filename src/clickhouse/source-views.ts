// Owns the refusal of source views that ignore FINAL: rows that were written again would count twice.
import { isKeyword, significantTokens } from '../sql-syntax/lexer.ts'
import { usageError } from '../model/errors.ts'
import { type ExistingTable, existingTables } from './existing-tables.ts'
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
  for (const [name, table] of await existingTables(server, sources)) {
    const problem = viewProblem(`${server.connection.database}.${name}`, table)
    if (problem) throw usageError(problem.sentence, problem.hint)
  }
}
