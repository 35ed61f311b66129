// Owns kysely's dialect for ClickHouse: compiles to native `{p0:Type}` parameters, which the server binds.
import type { ClickHouseClient } from '@clickhouse/client'
import {
  type CompiledQuery,
  type DatabaseConnection,
  DefaultQueryCompiler,
  type Dialect,
  type Driver,
  Kysely,
  MysqlAdapter,
  MysqlIntrospector,
  type QueryResult,
} from 'kysely'
import { escapeIdentifier } from '../sql-syntax/quoting.ts'

// For the few statements that kysely does not build.
export { quoteIdentifier } from '../sql-syntax/quoting.ts'

/** A bound value whose ClickHouse type cannot be told from JavaScript: `typed([], 'Array(UInt64)')`. */
class Typed {
  readonly value: unknown
  readonly type: string

  constructor(value: unknown, type: string) {
    this.value = value
    this.type = type
  }
}

/** A typed parameter for kysely's expressions; `T` is what the expression compares it with. */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the caller says what it compares with
export function typed<T>(value: unknown, type: string): T {
  return new Typed(value, type) as T
}

/**
 * A kysely builder over one client. `SELECT` runs as a query (JSONEachRow), everything else as a command.
 * Transactions throw: ClickHouse has none.
 */
export function kyselyFor<Database>(client: ClickHouseClient): Kysely<Database> {
  return new Kysely<Database>({ dialect: new ClickHouseDialect(client) })
}

class ClickHouseDialect implements Dialect {
  readonly #client: ClickHouseClient

  constructor(client: ClickHouseClient) {
    this.#client = client
  }

  createDriver(): Driver {
    const connection = new ClickHouseConnection(this.#client)
    return {
      init: async () => {},
      acquireConnection: async () => connection,
      releaseConnection: async () => {},
      destroy: async () => {},
      beginTransaction: noTransactions,
      commitTransaction: noTransactions,
      rollbackTransaction: noTransactions,
    }
  }

  createQueryCompiler(): ClickHouseCompiler {
    return new ClickHouseCompiler()
  }

  // The adapter and the introspector are asked only for migrations and schema reflection, which nobody uses here.
  createAdapter(): MysqlAdapter {
    return new MysqlAdapter()
  }

  createIntrospector(db: Kysely<unknown>): MysqlIntrospector {
    return new MysqlIntrospector(db)
  }
}

class ClickHouseCompiler extends DefaultQueryCompiler {
  protected override getLeftIdentifierWrapper(): string {
    return '`'
  }

  protected override getRightIdentifierWrapper(): string {
    return '`'
  }

  protected override sanitizeIdentifier(identifier: string): string {
    return escapeIdentifier(identifier)
  }

  protected override appendValue(value: unknown): void {
    this.append(`{p${this.numParameters}:${typeOf(value)}}`)
    this.addParameter(value instanceof Typed ? value.value : value)
  }
}

class ClickHouseConnection implements DatabaseConnection {
  readonly #client: ClickHouseClient

  constructor(client: ClickHouseClient) {
    this.#client = client
  }

  async executeQuery<Row>({ sql, parameters, query }: CompiledQuery): Promise<QueryResult<Row>> {
    const query_params = Object.fromEntries(parameters.map((value, index) => [`p${index}`, value]))
    if (query.kind === 'SelectQueryNode') {
      const result = await this.#client.query({ query: sql, query_params, format: 'JSONEachRow' })
      return { rows: await result.json<Row>() }
    }
    await this.#client.command({ query: sql, query_params })
    return { rows: [] }
  }

  // oxlint-disable-next-line require-yield -- the interface wants a generator; results here are read whole
  async *streamQuery<Row>(): AsyncIterableIterator<QueryResult<Row>> {
    throw new Error('streaming goes through the client, not through kysely')
  }
}

async function noTransactions(): Promise<void> {
  throw new Error('ClickHouse has no transactions')
}

function typeOf(value: unknown): string {
  if (value instanceof Typed) return value.type
  switch (typeof value) {
    case 'string':
      return 'String'
    case 'boolean':
      return 'Bool'
    case 'bigint':
      // The server would wrap a larger one without a word.
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
