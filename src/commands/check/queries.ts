// Owns the questions of `backfill check`: what stands on the servers, what they say of a statement, what a user may do.
import { sql } from 'kysely'
import type { CheckPort, Described } from './questions.ts'
import { missingGrantsOn, type ServerRole } from '../../clickhouse/grants.ts'
import type { Network, TableDefinition } from '../../model/model.ts'
import type { OutputColumn } from '../../sql-syntax/column-fit.ts'
import type { BothServers } from '../../clickhouse/servers.ts'
import { typed } from '../../clickhouse/dialect.ts'
import type { Names } from '../../clickhouse/own-databases.ts'
import { BackfillError } from '../../model/errors.ts'
import { errorCode, originOf } from '../../clickhouse/server-error.ts'
import type { Server } from '../../clickhouse/server.ts'
import { existingTables } from '../../clickhouse/existing-tables.ts'
import { readerOf, transformParams } from '../../targets/transform.ts'

export type CheckOptions = {
  readonly servers: BothServers
  readonly names: Names
  readonly network: Network
}

export function openCheck({ servers, names, network }: CheckOptions): CheckPort {
  const { source, target } = servers

  async function describe(table: TableDefinition, text: string): Promise<Described> {
    const server = readerOf(servers, table)
    const sent = `DESCRIBE TABLE (\n${text}\n)`
    const databases = { source: source.connection.database, target: target.connection.database }
    try {
      const columns = await server.client.rows<OutputColumn>({
        query: sent,
        query_params: transformParams({ table, network, range: { from: 0, to: 0 }, ...databases }),
        clickhouse_settings: table.settings,
        doing: `checking ${table.key}`,
      })
      return { columns: columns.map(({ name, type }) => ({ name, type })) }
    } catch (error) {
      const message = refusalIn(error)
      return { code: errorCode(error), message, sent, user: server.connection.username }
    }
  }

  return {
    databases: { source: source.connection.database, target: target.connection.database },
    users: { source: source.connection.username, target: target.connection.username },
    ledger: names,
    existing: (side, databases) => existingDatabases(servers[side], databases),
    tables: (side, wanted) => existingTables(servers[side], wanted),
    describe,
    unreadable: (text) => unreadable(target, text),
    typeNames: (types) => typeNames(target, types),
    formatted: (expressions) => formatted(target, expressions),

    async missing(requiredGrants) {
      const on = (side: ServerRole) =>
        missingGrantsOn(
          servers[side],
          requiredGrants.filter((need) => need.side === side),
        )
      const [ofSource, ofTarget] = await Promise.all([on('source'), on('target')])
      return ofSource && ofTarget && [...ofSource, ...ofTarget]
    },
  }
}

async function existingDatabases(server: Server, databases: readonly string[]): Promise<ReadonlySet<string>> {
  const rows = await server
    .during('looking for databases')
    .selectFrom('system.databases')
    .select('name')
    .where(sql<boolean>`has(${typed([...databases], 'Array(String)')}, name)`)
    .execute()
  return new Set(rows.map(({ name }) => name))
}

/** Types as the server writes them; undefined for what it does not know. */
async function typeNames(
  server: Server,
  types: readonly string[],
): Promise<ReadonlyMap<string, string | undefined>> {
  const wanted = [...new Set(types)]
  const ask = (some: readonly string[]) => values(server, 'toTypeName(defaultValueOfTypeName(?))', some)
  try {
    const found = await ask(wanted)
    return new Map(wanted.map((type, index) => [type, found[index]]))
  } catch (error) {
    refusalIn(error)
    // One of them is unknown: each by itself, so that the others are known.
    const each = wanted.map(async (type) => [type, (await ask([type]).catch(() => []))[0]] as const)
    return new Map(await Promise.all(each))
  }
}

/** Expressions as the server writes them; what it cannot read stays as it is. */
async function formatted(server: Server, expressions: readonly string[]): Promise<readonly string[]> {
  const statements = expressions.map((expression) => SELECT + expression)
  const found = await values(server, 'formatQuerySingleLineOrNull(?)', statements)
  return expressions.map((expression, index) => found[index]?.slice(SELECT.length) ?? expression)
}

const SELECT = 'SELECT '

/** What the server says against the text of a statement; undefined where it can be read. */
async function unreadable(server: Server, text: string): Promise<string | undefined> {
  try {
    await values(server, 'formatQuerySingleLine(?)', [text])
    return undefined
  } catch (error) {
    return refusalIn(error)
  }
}

/** The call with each text in place of the `?`. */
async function values({ client }: Server, call: string, texts: readonly string[]): Promise<string[]> {
  if (texts.length === 0) return []
  const calls = texts.map((_, index) => call.replace('?', `{t${index}:String}`))
  const [row = []] = await client.rows<string[]>({
    query: `SELECT ${calls.join(', ')}`,
    query_params: Object.fromEntries(texts.map((text, index) => [`t${index}`, text])),
    format: 'JSONCompactEachRow',
    doing: 'reading the SQL files',
  })
  return row
}

/** The server's own words against a statement. @throws the error where the server said nothing */
function refusalIn(error: unknown): string {
  const origin = originOf(error)
  if (!(error instanceof BackfillError) || error.code === 0 || !(origin instanceof Error)) throw error
  return origin.message
}
