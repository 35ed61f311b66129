// Owns the shared step of a transform: a CTE that another table has too, and whose rows are computed once for both.
import { fileError } from '../model/errors.ts'
import type { TableDefinition } from '../model/model.ts'
import { isKeyword, isSignificant, lex, type Token, unquoted } from './lexer.ts'
import { normalForm } from './statements.ts'

export type SharedStep = {
  /** SELECT of the step's rows. */
  readonly compute: string
  /** The transform, reading SHARED_TABLE instead of computing the step. */
  readonly rest: string
  /** Two transforms with the same identity have the same rows in this step, for every range. */
  readonly identity: string
}

/** Temporary table in which a step's rows wait. */
export const SHARED_TABLE = 'backfill_shared'

type Sharing = Pick<TableDefinition, 'shared' | 'transform' | 'settings' | 'params' | 'sources'>

/**
 * The step that the header names with `shared`; undefined without `shared`.
 * @throws BackfillError `usage` with file and line if the transform has no such CTE
 */
export function sharedStep(table: Sharing): SharedStep | undefined {
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
    rest: `${text.slice(0, body.from)}SELECT * FROM ${SHARED_TABLE}${text.slice(body.to)}`,
    identity: JSON.stringify([
      normalForm({ file, line, text: compute }),
      Object.entries(settings).map(String).toSorted(),
      params,
      sources.toSorted(),
    ]),
  }
}

/** Offsets of a CTE: the text between its brackets, and the position after the closing bracket. */
type Body = { readonly name: string; readonly from: number; readonly to: number; readonly end: number }

function bodyOf({ transform }: Sharing, shared: string): Body | undefined {
  const tokens = significant(transform)
  if (!isKeyword(tokens[0]?.token, 'WITH')) return undefined
  const at = tokens.findIndex(
    ({ token, depth }, index) =>
      depth === 0 &&
      (token.kind === 'word' || token.kind === 'identifier') &&
      unquoted(token) === shared &&
      isKeyword(tokens[index + 1]?.token, 'AS') &&
      tokens[index + 2]?.token.text === '(',
  )
  const open = tokens[at + 2]
  const close = tokens.find(({ token, depth }, index) => index > at + 2 && depth === 0 && token.text === ')')
  if (at < 0 || open === undefined || close === undefined) return undefined
  return { name: tokens[at]!.token.text, from: open.end, to: close.end - 1, end: close.end }
}

/** Significant tokens with their bracket depth (a bracket is outside of itself) and their end offsets. */
function significant(sql: Sharing['transform']): { token: Token; depth: number; end: number }[] {
  const found: { token: Token; depth: number; end: number }[] = []
  let depth = 0
  let end = 0
  for (const token of lex(sql)) {
    end += token.text.length
    if (token.text === ')') depth--
    if (isSignificant(token)) found.push({ token, depth, end })
    if (token.text === '(') depth++
  }
  return found
}
