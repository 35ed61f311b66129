// Owns the server's spelling of types: a DDL file may use another one (`TEXT`, `Decimal64(4)`, `Enum('a', 'b')`).
import { type DdlColumn, ddlColumns } from '../sql-syntax/create-table.ts'
import type { SqlText } from '../model/model.ts'
import type { BackfillError } from '../model/errors.ts'
import { blamesText } from './error-codes.ts'
import type { Server } from './server.ts'

/** By the file's spelling; undefined for a type that the server does not know. @throws BackfillError `server` */
export async function typeNames(server: Server, types: readonly string[]) {
  const wanted = [...new Set(types)].filter((type) => type !== '')
  try {
    const found = await ask(server, wanted)
    return new Map(wanted.map((type, index) => [type, found[index]]))
  } catch (error) {
    if (!blamesText(error as BackfillError)) throw error
    // One of them is unknown: ask for each separately, so that the others are found.
    const each = wanted.map(
      async (type) => [type, (await ask(server, [type]).catch(() => asState(server, type)))[0]] as const,
    )
    return new Map(await Promise.all(each))
  }
}

/** The server has the type, and makes no value of it (26.7). */
async function asState(server: Server, type: string): Promise<readonly string[]> {
  if (!/^AggregateFunction\(.*LowCardinality\(/s.test(type)) return []
  const found = await ask(server, [type.replaceAll(/LowCardinality\((\w+(?:\(\w+\))?)\)/g, '$1')]).catch(
    () => [],
  )
  return found.length === 0 ? [] : [type]
}

/** The columns of a CREATE TABLE, with the server's spelling of each known type. @throws BackfillError `server` */
export async function columnsOfDdl(server: Server, ddl: SqlText): Promise<readonly DdlColumn[]> {
  const columns = ddlColumns(ddl)
  const names = await typeNames(
    server,
    columns.map(({ type }) => type),
  )
  return columns.map((column) => ({ ...column, type: names.get(column.type) ?? column.type }))
}

async function ask({ client }: Server, types: readonly string[]): Promise<readonly string[]> {
  if (types.length === 0) return []
  const names = types.map((_, index) => `toTypeName(defaultValueOfTypeName({t${index}:String}))`)
  const [row = []] = await client.rows<string[]>({
    query: `SELECT ${names.join(', ')}`,
    query_params: Object.fromEntries(types.map((type, index) => [`t${index}`, type])),
    format: 'JSONCompact',
    doing: 'reading the SQL files',
  })
  return row
}
