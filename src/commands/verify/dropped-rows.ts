// Owns what a table drops or changes by itself: by TTL, or by the column `is_deleted` of a ReplacingMergeTree. Pure.
import type { ExistingTable } from '../../clickhouse/existing-tables.ts'
import { createTable } from '../../sql-syntax/create-table.ts'
import { readEngine } from '../../sql-syntax/ddl-clauses.ts'
import { isKeyword, type Token, unquoted } from '../../sql-syntax/lexer.ts'
import { splitAtCommas } from '../../sql-syntax/tokens.ts'

export type Drops = {
  /** A condition for the rows of both sides that the table keeps, whenever it merges; empty: all. */
  readonly keeps: string
  /** Columns that lose their values. */
  readonly fading: readonly string[]
  /** Rows may be gone, or others be in their place, that no condition names: a difference is explained by that. */
  readonly more: boolean
}

/** @param known the columns that both sides have */
export function dropsOf(
  { definition, shards }: Pick<ExistingTable, 'definition' | 'shards'>,
  rows: 'per-block' | 'per-key',
  known: readonly string[],
): Drops {
  const text = shards?.shape.definition ?? definition
  const { columns, clauses } = createTable({ file: '', text, line: 1 })
  const fading = columns.filter((column) => column.clauses.has('TTL')).map(({ name }) => name)
  const ttl = splitAtCommas(clauses.get('TTL') ?? []).filter((item) => !item.some(isMove))
  const groups = ttl.some((item) => item.some((token) => isKeyword(token, 'GROUP')))
  const hidden = columns.map(({ name }) => name).filter((name) => !known.includes(name))
  const isComputable = (item: readonly Token[]) => !item.some((token) => hidden.includes(unquoted(token)))
  const marks =
    readEngine(clauses.get('ENGINE') ?? [])?.name === 'ReplacingMergeTree' ? deletedBy(clauses) : []
  const conditions = groups
    ? []
    : [...ttl.filter(isComputable).map(lives), ...marks.map((name) => `NOT ${name}`)]
  return {
    keeps: conditions.join(' AND '),
    fading,
    more: groups || !ttl.every(isComputable) || (marks.length > 0 && rows === 'per-key'),
  }
}

/** Whether rows are only moved or packed. */
const isMove = (token: Token): boolean => token.depth === 0 && isKeyword(token, 'TO', 'RECOMPRESS')

/** A row lives on if its TTL is 0, lies ahead, or does not meet the condition. */
function lives(item: readonly Token[]): string {
  const at = item.findIndex((token) => token.depth === 0 && isKeyword(token, 'DELETE', 'WHERE'))
  const where = item.findIndex((token) => token.depth === 0 && isKeyword(token, 'WHERE'))
  const expired = `toUnixTimestamp(${text(at === -1 ? item : item.slice(0, at))}) BETWEEN 1 AND toUnixTimestamp(now())`
  return `NOT (${expired}${where === -1 ? '' : ` AND (${text(item.slice(where + 1))})`})`
}

const text = (tokens: readonly Token[]): string => tokens.map((token) => token.text).join(' ')

/** The second column of the engine: `ReplacingMergeTree(version, is_deleted)`. */
function deletedBy(clauses: ReturnType<typeof createTable>['clauses']): readonly string[] {
  return readEngine(clauses.get('ENGINE') ?? [])!
    .text.split(' , ')
    .slice(1)
}
