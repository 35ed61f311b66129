// Owns the refusal of a transform that reads its own target through another table, such as a view over it. A read by name is refused with the files.
import { type BackfillError, fileError } from '../model/errors.ts'
import type { TableDefinition } from '../model/model.ts'
import { localBehind } from '../clickhouse/cluster/shard-tables.ts'
import { type TableBehind, tablesBehind } from '../clickhouse/tables-behind.ts'
import type { Server } from '../clickhouse/server.ts'
import type { Distributed } from '../sql-syntax/ddl-clauses.ts'
import { tableReads } from '../sql-syntax/table-refs.ts'

type Own = Pick<TableDefinition, 'target' | 'transform'>

/** `sharding`: if it is Distributed. */
type Place = { readonly database: string; readonly sharding: Distributed | undefined }

type Behind = Pick<TableBehind, 'source' | 'database' | 'name'>

/** `behind`: what stands behind sources, of which the transform reads some. */
export function ownTargetBehindSources(
  table: Own & Pick<TableDefinition, 'sources'>,
  own: Place,
  behind: readonly Behind[],
): BackfillError | undefined {
  const read = behind.filter(({ source }) => table.sources.includes(source))
  return ownTargetBehind(table, own, read)
}

function ownTargetBehind(
  { target, transform: { file, line } }: Own,
  { database, sharding }: Place,
  behind: readonly Behind[],
): BackfillError | undefined {
  // On a cluster its rows are in local tables.
  const own = [{ database, table: target }, ...(sharding ? [sharding] : [])]
  const found = behind.find((one) => own.some((is) => is.database === one.database && is.table === one.name))
  return (
    found &&
    fileError({
      rule: 'E043',
      file,
      line,
      sentence: `reads its own target ${database}.${target} through '${found.source}': ranges that run at the same time would not see each other's rows`,
      hint: 'compute it from sources and other tables',
    })
  )
}

/** Looks behind the tables of fixed databases that the transform reads. `server`: of the target. @throws BackfillError `usage`, `server` */
export async function assertNotOwnTarget(server: Server, table: Own): Promise<void> {
  const fixed = tableReads(table.transform).flatMap(({ database, table: name }) =>
    database === undefined || database === 'system' ? [] : [{ database, name }],
  )
  if (fixed.length === 0) return
  const { database } = server.connection
  const own = { database, sharding: server.cluster && (await localBehind(server, table.target)) }
  for (const [place, reads] of Map.groupBy(fixed, (read) => read.database)) {
    const there = { ...server, connection: { ...server.connection, database: place } }
    const names = reads.map(({ name }) => name)
    const found = ownTargetBehind(table, own, await tablesBehind(there, names))
    if (found !== undefined) throw found
  }
}
