// Owns kysely's dialect for ClickHouse: compiles to native `{p0:Type}` parameters, which the server binds.
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
import type { Client } from './client.ts'

// For the few statements that kysely cannot build.
export { quoteIdentifier } from '../sql-syntax/quoting.ts'

/** A bound value whose ClickHouse type does not follow from JavaScript: `typed([], 'Array(UInt64)')`. */
class Typed {
  readonly value: unknown
  readonly type: string

  constructor(value: unknown, type: string) {
    this.value = value
    this.type = type
  }
}

/** A typed parameter for kysely's expressions; `T` is what the expression compares it with. */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the caller names the type of the comparison
export function typed<T>(value: unknown, type: string): T {
  return new Typed(value, type) as T
}

/** The methods of a client that a builder needs. */
type Sender = Pick<Client, 'rows' | 'command'>

/**
 * A kysely builder over one client; `doing` is the purpose of its statements, for errors. `SELECT` runs as a query
 * (JSONEachRow), every other statement as a command.
 * Transactions throw: ClickHouse has none.
 */
export function kyselyFor<Database>(client: Sender, doing?: string): Kysely<Database> {
  return new Kysely<Database>({ dialect: new ClickHouseDialect(client, doing) })
}

class ClickHouseDialect implements Dialect {
  readonly #connection: ClickHouseConnection

  constructor(client: Sender, doing: string | undefined) {
    this.#connection = new ClickHouseConnection(client, doing)
  }

  createDriver(): Driver {
    const connection = this.#connection
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

  // Only migrations and schema reflection use the adapter and the introspector; this program uses neither.
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
  readonly #client: Sender
  readonly #doing: string | undefined

  constructor(client: Sender, doing: string | undefined) {
    this.#client = client
    this.#doing = doing
  }

  async executeQuery<Row>({ sql, parameters, query }: CompiledQuery): Promise<QueryResult<Row>> {
    const query_params = Object.fromEntries(parameters.map((value, index) => [`p${index}`, value]))
    const statement = { query: sql, query_params, doing: this.#doing }
    if (query.kind === 'SelectQueryNode') return { rows: await this.#client.rows<Row>(statement) }
    await this.#client.command(statement)
    return { rows: [] }
  }

  // oxlint-disable-next-line require-yield -- the interface requires a generator; results here are read whole
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
