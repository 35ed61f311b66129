// Owns kysely's dialect for ClickHouse: compiles to native `{p0:Type}` parameters, which the server binds.
import {
  type CompiledQuery,
  type DatabaseConnection,
  IdentifierNode,
  type Dialect,
  type Driver,
  DummyDriver,
  Kysely,
  MysqlAdapter,
  MysqlIntrospector,
  MysqlQueryCompiler,
  type QueryResult,
  type SelectQueryNode,
  type RawBuilder,
  type SelectQueryBuilder,
  sql,
  type SqlBool,
} from 'kysely'
import type { Range } from '../model/blocks.ts'
import { serverProblem } from '../model/errors.ts'
import { escapeIdentifier } from '../sql-syntax/quoting.ts'
import type { Client } from './client.ts'

/** A bound value whose ClickHouse type does not follow from JavaScript: `typed([], 'Array(UInt64)')`. */
class Typed {
  readonly value: unknown
  readonly type: string

  constructor(value: unknown, type: string) {
    this.value = value
    this.type = type
  }
}

// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the caller names the type of the comparison
export function typed<T>(value: unknown, type: string): T {
  return new Typed(value, type) as T
}

type Sender = Pick<Client, 'rows' | 'command'>

/** What goes with statements: their purpose, for errors, and settings. */
type Beside = Pick<Parameters<Sender['rows']>[0], 'doing' | 'clickhouse_settings'>

/** `SELECT` runs as a query (JSON), every other statement as a command. */
export function kyselyFor<Database>(client: Sender, beside: Beside = {}): Kysely<Database> {
  const dialect: Dialect = {
    createDriver: () => driverOver(client, beside),
    createQueryCompiler: () => new ClickHouseCompiler(),
    // Only migrations and schema reflection use the adapter and the introspector; this program uses neither.
    createAdapter: () => new MysqlAdapter(),
    createIntrospector: (db) => new MysqlIntrospector(db),
  }
  return new Kysely<Database>({ dialect })
}

function driverOver(client: Sender, beside: Beside): Driver {
  const connection: DatabaseConnection = {
    async executeQuery<Row>(compiled: CompiledQuery): Promise<QueryResult<Row>> {
      const { text, params } = withParams(compiled)
      const statement = { query: text, query_params: params, ...beside }
      if (compiled.query.kind === 'SelectQueryNode') {
        const rows = await client.rows<Row>(statement)
        assertOfQuestion(compiled.query, rows[0], beside.doing)
        return { rows }
      }
      await client.command(statement)
      return { rows: [] }
    },
    streamQuery() {
      throw new Error('streaming goes through the client, not through kysely')
    },
  }
  return Object.assign(new DummyDriver(), {
    acquireConnection: async () => connection,
    beginTransaction: async () => {
      throw new Error('ClickHouse has no transactions')
    },
  })
}

/** The columns of an answer are those of its question, unless something in between has mixed them up. @throws BackfillError `server` */
function assertOfQuestion({ selections = [] }: SelectQueryNode, row: unknown, doing = 'asking'): void {
  const names = selections.flatMap(({ selection }) =>
    selection.kind === 'AliasNode' && IdentifierNode.is(selection.alias) ? [selection.alias.name] : [],
  )
  if (row !== undefined && !names.every((name) => Object.hasOwn(row as object, name)))
    throw serverProblem(
      `something before ClickHouse gave the answer to another question while ${doing}`,
      'A proxy or a cache mixes up answers: have it keep none, or name the server itself in TARGET_CLICKHOUSE_URL and SOURCE_CLICKHOUSE_URL',
    )
}

/** A compiled statement with its parameters, for a part of a statement that kysely cannot build. */
export function withParams({ sql: text, parameters }: Pick<CompiledQuery, 'sql' | 'parameters'>): {
  text: string
  params: Record<string, unknown>
} {
  return { text, params: Object.fromEntries(parameters.map((value, index) => [`p${index}`, value])) }
}

/** Of sorted, disjoint ranges only the last that begins at or below `high` can touch. The server prunes by the bounds, not by the arrays. */
export function touchesSome(
  ranges: readonly Range[],
  low: string | RawBuilder<unknown>,
  high: string | RawBuilder<unknown> = low,
): RawBuilder<SqlBool> {
  const [lowEnd, highEnd] = [low, high].map((end) => (typeof end === 'string' ? sql.ref(end) : end))
  const [first, last] = [ranges[0]!.from, ranges.at(-1)!.to]
  const within = sql`${highEnd} >= ${first} AND ${lowEnd} <= ${last}`
  if (ranges.length === 1) return sql<SqlBool>`${within}`
  const ends = (end: keyof Range) =>
    typed(
      ranges.map((range) => range[end]),
      'Array(UInt64)',
    )
  const begin = sql`roundDown(toUInt64(${highEnd}), ${ends('from')})`
  return sql<SqlBool>`${within} AND transform(${begin}, ${ends('from')}, ${ends('to')}) >= ${lowEnd}`
}

/** Several queries as one, because each has a fixed cost; undefined for none. */
export function unionOf<Database, Tables extends keyof Database, Row>(
  queries: readonly SelectQueryBuilder<Database, Tables, Row>[],
): SelectQueryBuilder<Database, Tables, Row> | undefined {
  const [first, ...others] = queries
  return first && others.reduce((all, next) => all.unionAll(next), first)
}

class ClickHouseCompiler extends MysqlQueryCompiler {
  protected override sanitizeIdentifier(identifier: string): string {
    return escapeIdentifier(identifier)
  }

  protected override appendValue(value: unknown): void {
    this.append(`{p${this.numParameters}:${typeOf(value)}}`)
    this.addParameter(value instanceof Typed ? value.value : value)
  }
}

function typeOf(value: unknown): string {
  if (value instanceof Typed) return value.type
  switch (typeof value) {
    case 'string':
      return 'String'
    case 'boolean':
      return 'Bool'
    case 'bigint':
      // The server would wrap a larger number silently.
      if (value !== BigInt.asUintN(64, value) && value !== BigInt.asIntN(64, value))
        throw new TypeError(`no 64-bit integer: ${value}`)
      return value < 0n ? 'Int64' : 'UInt64'
    case 'number':
      if (!Number.isSafeInteger(value)) throw new TypeError(`not a safe integer: ${value}`)
      return value < 0 ? 'Int64' : 'UInt64'
    default:
      throw new TypeError(`say the ClickHouse type of this value with typed(): ${typeof value}`)
  }
}
