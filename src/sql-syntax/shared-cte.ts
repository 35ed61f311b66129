// Owns the shared step of a transform: a CTE that another table has too, and whose rows are computed once for both.
import { fileError } from '../model/errors.ts'
import type { TableDefinition } from '../model/model.ts'
import { isKeyword, isName, significantTokens, unquoted, closingAt } from './lexer.ts'
import { normalForm } from './statements.ts'

export const SHARED_TABLE = 'backfill_shared'

type Sharing = Pick<TableDefinition, 'shared' | 'transform' | 'settings' | 'params' | 'sources'>

/** The step that `shared` in the header names. @throws BackfillError `usage` with file and line if the transform has no such CTE */
export function sharedStep(table: Sharing) {
  const { shared, transform, settings, params, sources } = table
  if (shared === undefined) return undefined
  const { file, text, line } = transform
  const body = bodyOf(table, shared)
  if (body === undefined)
    throw fileError({
      rule: 'E026',
      file,
      line,
      sentence: `'shared' names '${shared}', which is no part of the transform's WITH`,
      hint: `write WITH ${shared} AS (SELECT …), or remove the line --! shared`,
    })
  const compute = `${text.slice(0, body.end)}\nSELECT * FROM ${body.name}`
  return {
    compute,
    /** The transform, reading SHARED_TABLE instead of computing the step. */
    rest: `${text.slice(0, body.from)}SELECT * FROM ${SHARED_TABLE}${text.slice(body.to)}`,
    /** Two transforms with the same identity have the same rows in this step, for every range. */
    identity: JSON.stringify([
      normalForm({ file, line, text: compute }),
      Object.entries(settings).map(String).toSorted(),
      params,
      sources.toSorted(),
    ]),
  }
}

/** Offsets of a CTE: the text between its brackets, and the position after the closing bracket. */
function bodyOf({ transform }: Sharing, shared: string) {
  const tokens = significantTokens(transform)
  if (!isKeyword(tokens[0], 'WITH')) return undefined
  const at = tokens.findIndex(
    (token, index) =>
      token.depth === 0 &&
      isName(token) &&
      unquoted(token) === shared &&
      isKeyword(tokens[index + 1], 'AS') &&
      tokens[index + 2]?.text === '(',
  )
  const [open, close] = [tokens[at + 2], tokens[closingAt(tokens, at + 2)]]
  if (at < 0 || open === undefined || close === undefined) return undefined
  return { name: tokens[at]!.text, from: open.end, to: close.end - 1, end: close.end }
}
