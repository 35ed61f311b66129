// Owns which columns of a transform have another value each time they are computed: `now() AS updated_date_time`.
import { determinismOf } from '../clickhouse/determinism.ts'
import type { Server } from '../clickhouse/server.ts'
import type { SqlText } from '../model/model.ts'
import { isKeyword, isName, significantTokens, type Token, unquoted } from '../sql-syntax/lexer.ts'

/** ClickHouse calls these nondeterministic, too; they depend on rows and dictionaries, which change what is right. */
const OF_ROWS = /^(arrayjoin|unnest|dict\w+|joinget\w*)$/

/** Names, anywhere in the statement, that stand for an expression with such a function, or such a name. @throws BackfillError `server` */
export async function volatileNames(server: Pick<Server, 'client'>, transform: SqlText) {
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
  const found = new Set(items.filter((_, at) => determinism[at] === 'nondeterministic'))
  // One round per item: a name may be used before it is given.
  for (let round = 0; round < items.length && found.size > 0; round++)
    for (const item of items) {
      const seen = [...found].filter((giver) => isSeenBy(giver, item)).map(({ name }) => name)
      if (item.tokens.some((token) => isName(token) && seen.includes(unquoted(token)))) found.add(item)
    }
  return new Set([...found].map(({ name }) => name))
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
