// Owns the questions of `backfill check`: what stands on the servers, what they say of a statement, what a user may do.
import { sql } from 'kysely'
import type { CheckPort, Described } from './questions.ts'
import type { Side } from '../../clickhouse/grants.ts'
import type { Network, TableDefinition } from '../../model/model.ts'
import type { OutputColumn } from '../../sql-syntax/column-fit.ts'
import type { BothServers } from '../../clickhouse/servers.ts'
import { typed } from '../../clickhouse/dialect.ts'
import { lackingOn } from '../../clickhouse/grants.ts'
import type { Names } from '../../clickhouse/own-databases.ts'
import { errorCode, serverError } from '../../clickhouse/server-error.ts'
import type { Server } from '../../clickhouse/server.ts'
import { standingTables } from '../../clickhouse/existing-tables.ts'
import { formatted, typeNames, unreadable } from './texts.ts'
import { transformParams } from '../../targets/transform-params.ts'
import { readerOf } from '../../targets/transform.ts'

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
      const result = await server.client.query({
        query: sent,
        query_params: transformParams({ table, network, range: { from: 0, to: 0 }, ...databases }),
        clickhouse_settings: table.settings,
        format: 'JSONEachRow',
      })
      const columns = await result.json<OutputColumn>()
      return { columns: columns.map(({ name, type }) => ({ name, type })) }
    } catch (error) {
      const code = errorCode(error)
      if (code === 0 || !(error instanceof Error))
        throw serverError(error, { connection: server.connection, doing: `checking ${table.key}` })
      return { code, message: error.message, sent, user: server.connection.username }
    }
  }

  return {
    databases: { source: source.connection.database, target: target.connection.database },
    users: { source: source.connection.username, target: target.connection.username },
    ledger: names,
    existing: (side, databases) => existingDatabases(servers[side], databases),
    tables: (side, wanted) => standingTables(servers[side], wanted),
    describe,
    unreadable: (text) => unreadable(target, text),
    typeNames: (types) => typeNames(target, types),
    formatted: (expressions) => formatted(target, expressions),

    async lacking(needs) {
      const on = (side: Side) =>
        lackingOn(
          servers[side],
          needs.filter((need) => need.side === side),
        )
      const [ofSource, ofTarget] = await Promise.all([on('source'), on('target')])
      return ofSource && ofTarget && [...ofSource, ...ofTarget]
    },
  }
}

async function existingDatabases(
  { db, connection }: Server,
  databases: readonly string[],
): Promise<ReadonlySet<string>> {
  const rows = await db
    .selectFrom('system.databases')
    .select('name')
    .where(sql<boolean>`has(${typed([...databases], 'Array(String)')}, name)`)
    .execute()
    .catch((error: unknown) => {
      throw serverError(error, { connection, doing: 'looking for databases' })
    })
  return new Set(rows.map(({ name }) => name))
}
