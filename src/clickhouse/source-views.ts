// Owns the refusal of source views that ignore FINAL: rows that were written again would count twice. Pure.
import { isKeyword, significantTokens } from '../sql-syntax/lexer.ts'
import type { ExistingTable } from './existing-tables.ts'

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
