// Owns reading the definition of a Distributed table, and whether its sharding keeps the rows of a key on one shard.
import { toClause } from './ddl-clauses.ts'
import { isKeyword, significantTokens, type Token, unquoted } from './lexer.ts'
import { closingAt, splitAtCommas, unspaced } from './tokens.ts'

export type Distributed = NonNullable<ReturnType<typeof distributedEngine>>

/** Reads `engine_full` of `system.tables`: `Distributed('{cluster}', 'database', 'table', sharding key, …)`; undefined for any other engine. */
export function distributedEngine(engineFull: string) {
  const tokens = significantTokens({ file: 'system.tables', text: engineFull, line: 1 })
  const close = closingAt(tokens, 1)
  if (!isKeyword(tokens[0], 'DISTRIBUTED') || close === -1) return undefined
  const [cluster, database, table, key] = splitAtCommas(tokens.slice(2, close))
  return {
    /** As written: a name, or a macro such as `{cluster}`. */
    cluster: nameOf(cluster),
    /** The table on each shard that holds the rows. */
    database: nameOf(database),
    table: nameOf(table),
    /** Undefined: all rows go to the only shard. */
    key: key && toClause(key, key[0]?.line ?? 1),
  }
}

const nameOf = (item: readonly Token[] | undefined) => (item?.length === 1 ? unquoted(item[0]!) : '')

/** Why rows of one key may be on several shards, which never merge them. @param isRandom the server calls the sharding key non-deterministic */
export function shardingProblem(
  { key: sharding }: Pick<Distributed, 'key'>,
  key: readonly string[],
  isRandom = false,
): string | undefined {
  if (sharding === undefined) return 'it has no sharding key'
  if (isRandom || CALL_OF_NOTHING.test(sharding.text))
    return `${unspaced(sharding.text)} sends a row to another shard each time`
  const stray = sharding.names.filter((name) => !key.includes(name))
  if (stray.length > 0)
    return `it is sharded by ${unspaced(sharding.text)}, and ${stray.join(', ')} ${stray.length === 1 ? 'is' : 'are'} not among the columns that rows are told apart by (${key.join(', ')})`
  return sharding.names.length === 0 ? `${unspaced(sharding.text)} is no column` : undefined
}

/** Such as rand() or now(): independent of the row. Other random expressions only a server can find. */
const CALL_OF_NOTHING = /\w ?\( ?\)/
