// Owns which columns of a transform have another value each time they are computed: `now() AS updated_date_time`.
import { determinismOf } from '../clickhouse/determinism.ts'
import type { Server } from '../clickhouse/server.ts'
import type { SqlText } from '../model/model.ts'
import { isKeyword, isName, significantTokens, type Token, unquoted } from '../sql-syntax/lexer.ts'

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
