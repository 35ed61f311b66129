// Owns which columns of a table can be compared (not those with another value each time: `now() AS updated_date_time`), and whether its
// rows have to be merged to be read.
import { determinismOf } from '../clickhouse/server-words.ts'
import type { Server } from '../clickhouse/server.ts'
import type { ExistingTable } from '../clickhouse/existing-tables.ts'
import type { TableDefinition, SqlText } from '../model/model.ts'
import type { OutputColumn } from '../sql-syntax/column-fit.ts'
import { quoteIdentifier } from '../sql-syntax/quoting.ts'
import { significantTokens, unquoted, isKeyword, isName, type Token } from '../sql-syntax/lexer.ts'

type ExistingColumn = ExistingTable['columns'][number]

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
    yielded,
    /** Columns with a deterministic default, EPHEMERAL ones included: others are computed from them. */
    steady,
    stored,
    not,
  }
}

/**
 * What tells values of the column apart, an expression. Two states of aggregate functions keep their values in the order in which they came, so the same
 * rows make other bytes: groupArray is compared by its values, and uniq by its bytes in order, which are those of hashes. All others are compared as they are.
 */
export function comparable({ name, type }: Pick<ExistingColumn, 'name' | 'type'>): string {
  const column = quoteIdentifier(name)
  const [, state = ''] = /^AggregateFunction\((\w+)/.exec(type) ?? []
  if (/^group(Uniq)?Array(If)?$/.test(state)) return `arraySort(finalizeAggregation(${column}))`
  return /^uniq(If)?$/.test(state) ? `arraySort(extractAll(hex(${column}), '..'))` : column
}

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

/** Names, anywhere in the statement, that stand for an expression with such a function, or such a name. @throws BackfillError `server` */
export async function volatileNames(server: Pick<Server, 'client'>, transform: SqlText) {
  const items = namedItems(significantTokens(transform))
  const determinism = await determinismOf(
    server,
    items.map(({ tokens }) => textOf(tokens)),
  )
  const found = new Set(items.filter((_, at) => determinism[at] === 'nondeterministic'))
  // One round per item: a name may be used before it is given.
  for (let round = 0; round < items.length && found.size > 0; round++)
    for (const item of items) {
      const seen = [...found].filter((giver) => isSeenBy(giver, item)).map(({ name }) => name)
      if (item.tokens.some((token) => isName(token) && seen.includes(unquoted(token)))) found.add(item)
    }
  return new Set([...found].map(({ name }) => name))
}

/** Whether such a function stands in the statement, and in no column: then it decides which rows there are, or in which order. @throws BackfillError `server` */
export async function chooseByChance(server: Pick<Server, 'client'>, transform: SqlText): Promise<boolean> {
  const [all] = await determinismOf(server, [textOf(significantTokens(transform))])
  return all === 'nondeterministic' && (await volatileNames(server, transform)).size === 0
}

function textOf(tokens: readonly Token[]): string {
  const counted = tokens.filter((token) => !OF_ROWS.test(unquoted(token).toLowerCase()))
  return counted.map(({ text }) => text).join(' ')
}

type Item = {
  readonly name: string
  readonly tokens: readonly Token[]
  readonly at: number
  readonly depth: number
  readonly within: number
  readonly isWith: boolean
}

/** Not the `updated_date_time` of a table read further in, or in an earlier part of WITH, than the SELECT that names a column so. */
function isSeenBy(giver: Item, item: Item): boolean {
  if (giver.isWith || giver.within === item.within || giver.depth > item.depth) return true
  return giver.depth === item.depth && giver.at < item.at
}

/** Each `expression AS name`, in every SELECT and WITH; not the names of tables, nor the types of CAST. */
function namedItems(tokens: readonly Token[]): readonly Item[] {
  return tokens.flatMap((token, at) => {
    const name = tokens[at + 1]
    if (!isKeyword(token, 'AS') || !isName(name)) return []
    let from = at
    while (from > 0 && !endsBefore(tokens[from - 1]!, token.depth)) from--
    const [call, before] = [tokens[from - 2], tokens[from - 1]]
    const isType = before?.text === '(' && isKeyword(call, 'CAST', 'ACCURATECAST', 'TRY_CAST')
    if (isType || isKeyword(before, 'FROM', 'JOIN')) return []
    const { depth } = token
    const within = tokens.findLastIndex((one, index) => index < at && one.depth < depth)
    const clause = tokens.findLast(
      (one, index) =>
        index < from && index > within && one.depth === depth && isKeyword(one, 'SELECT', 'WITH'),
    )
    const isWith = isKeyword(clause, 'WITH')
    return [{ name: unquoted(name), tokens: tokens.slice(from, at), at, depth, within, isWith }]
  })
}

function endsBefore(token: Token, depth: number): boolean {
  if (token.depth < depth) return true
  return token.depth === depth && (token.text === ',' || isKeyword(token, ...BEGIN))
}

const BEGIN = ['SELECT', 'WITH', 'DISTINCT', 'FROM', 'JOIN']
