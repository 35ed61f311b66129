// Owns which columns of a table can be compared, and whether its rows have to be merged to be read.
import { determinismOf } from '../clickhouse/determinism.ts'
import type { Server } from '../clickhouse/server.ts'
import type { DdlColumn } from '../sql-syntax/create-table.ts'
import type { TableDefinition, SqlText } from '../model/model.ts'
import type { OutputColumn } from '../sql-syntax/column-fit.ts'
import { significantTokens, unquoted, isKeyword, isName, type Token } from '../sql-syntax/lexer.ts'

/** A column that exists; `expression`: of its default. */
export type ExistingColumn = DdlColumn & { readonly expression: string }

/** A column that is not compared: the SQL or its default is nondeterministic, or the server does not say, or it has a TTL. */
export type NotCompared = { readonly name: string; readonly why: 'nondeterministic' | 'unknown' | 'ttl' }

/** Engines whose rows of one key become one row with FINAL. */
export const COLLAPSING_ENGINES = /Replacing|Collapsing|Summing|Aggregating|Coalescing/

export function isCollapsing({ engine }: { readonly engine: string }): boolean {
  return COLLAPSING_ENGINES.test(engine)
}

/** @throws BackfillError `server` */
export async function comparedColumns(
  server: Server,
  columns: readonly ExistingColumn[],
  { transform, volatile: declared = [] }: Pick<TableDefinition, 'transform' | 'volatile'>,
  described: readonly OutputColumn[],
) {
  const output = new Set(described.map(({ name }) => name))
  const volatile = new Set([...(await volatileNames(server, transform)), ...declared])
  const yielded = columns.filter(({ name }) => output.has(name))
  const computed = columns.filter(
    ({ name, defaultKind }) =>
      !output.has(name) && ['DEFAULT', 'MATERIALIZED', 'EPHEMERAL'].includes(defaultKind),
  )
  const not = await notComparable(
    server,
    computed,
    yielded.filter(({ name }) => volatile.has(name)),
  )
  const steady = computed.filter((column) => !not.some(({ name }) => name === column.name))
  const stored = [...yielded.filter(({ name }) => !volatile.has(name)), ...steady].filter(
    ({ defaultKind }) => defaultKind !== 'EPHEMERAL',
  )
  return {
    /** Columns that the transform yields. */
    yielded,
    /** Columns with a deterministic default, EPHEMERAL ones included: others are computed from them. */
    steady,
    /** All of these that the table stores. */
    stored,
    not,
  }
}

/** The volatile columns, those with a nondeterministic default, and columns computed from them. */
async function notComparable(
  server: Server,
  columns: readonly ExistingColumn[],
  volatile: readonly ExistingColumn[],
): Promise<readonly NotCompared[]> {
  const not = new Map<string, NotCompared['why']>(volatile.map(({ name }) => [name, 'nondeterministic']))
  const determinism = await determinismOf(
    server,
    columns.map(({ expression }) => expression),
  )
  for (const [index, { name }] of columns.entries())
    if (determinism[index] !== 'deterministic') not.set(name, determinism[index]!)
  // One round per column: a column may be computed from a later one.
  for (let round = 0; round < columns.length && not.size > 0; round++)
    for (const { name, expression } of columns) {
      const words = significantTokens({ file: '', text: expression, line: 1 }).map(unquoted)
      const input = words.find((word) => not.has(word))
      if (input !== undefined && !not.has(name)) not.set(name, not.get(input)!)
    }
  return [...not].map(([name, why]) => ({ name, why }))
}

/** ClickHouse calls these nondeterministic, too; they depend on rows and dictionaries, which change what is right. */
const OF_ROWS = /^(arrayjoin|unnest|dict\w+|joinget\w*)$/

/**
 * Names, anywhere in the statement, that stand for an expression with such a function, or with such a name.
 * @throws BackfillError `server`
 */
export async function volatileNames(
  server: Pick<Server, 'during'>,
  transform: SqlText,
): Promise<ReadonlySet<string>> {
  const items = namedItems(significantTokens(transform))
  const determinism = await determinismOf(
    server,
    items.map(({ tokens }) =>
      tokens
        .filter((token) => !OF_ROWS.test(unquoted(token).toLowerCase()))
        .map(({ text }) => text)
        .join(' '),
    ),
  )
  const names = new Set(
    items.filter((_, at) => determinism[at] === 'nondeterministic').map(({ name }) => name),
  )
  // One round per item: a name may be used before it is given.
  for (let round = 0; round < items.length && names.size > 0; round++)
    for (const { name, tokens } of items)
      if (tokens.some((token) => isName(token) && names.has(unquoted(token)))) names.add(name)
  return names
}

/** Each `expression AS name`, in every SELECT and WITH; not the names of tables, nor the types of CAST. */
function namedItems(tokens: readonly Token[]): readonly { name: string; tokens: readonly Token[] }[] {
  return tokens.flatMap((token, at) => {
    const name = tokens[at + 1]
    if (!isKeyword(token, 'AS') || !isName(name)) return []
    let from = at
    while (from > 0 && !endsBefore(tokens[from - 1]!, token.depth)) from--
    const [call, before] = [tokens[from - 2], tokens[from - 1]]
    const isType = before?.text === '(' && isKeyword(call, 'CAST', 'ACCURATECAST', 'TRY_CAST')
    if (isType || isKeyword(before, 'FROM', 'JOIN')) return []
    return [{ name: unquoted(name), tokens: tokens.slice(from, at) }]
  })
}

function endsBefore(token: Token, depth: number): boolean {
  if (token.depth < depth) return true
  return token.depth === depth && (token.text === ',' || isKeyword(token, ...BEGIN))
}

/** Keywords before an item. */
const BEGIN = ['SELECT', 'WITH', 'DISTINCT', 'FROM', 'JOIN']
