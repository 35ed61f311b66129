// Owns the refusal of a transform that reads its own target through another table, such as a view over it. A read by name is refused with the files.
import { type BackfillError, fileError } from '../model/errors.ts'
import type { TableDefinition } from '../model/model.ts'
import { type TableBehind, tablesBehind } from '../clickhouse/tables-behind.ts'
import type { Server } from '../clickhouse/server.ts'
import { tableReads } from '../sql-syntax/table-refs.ts'

type Own = Pick<TableDefinition, 'target' | 'transform'>

/** `behind`: what stands behind sources, of which the transform reads some. */
export function ownTargetBehindSources(
  table: Own & Pick<TableDefinition, 'sources'>,
  own: string,
  behind: readonly TableBehind[],
): BackfillError | undefined {
  const read = behind.filter(({ source }) => table.sources.includes(source))
  return ownTargetBehind(table, own, read)
}

function ownTargetBehind(
  { target, transform: { file, line } }: Own,
  own: string,
  behind: readonly TableBehind[],
): BackfillError | undefined {
  // On a cluster its rows are in local tables.
  const names = [target, `${target}_local`]
  const found = behind.find(({ database, name }) => database === own && names.includes(name))
  return (
    found &&
    fileError({
      rule: 'E043',
      file,
      line,
      sentence: `reads its own target ${own}.${target} through '${found.source}': ranges that run at the same time would not see each other's rows`,
      hint: 'compute it from sources and other tables',
    })
  )
}

/** Looks behind the tables of fixed databases that the transform reads. `server`: of the target. @throws BackfillError `usage`, `server` */
export async function assertNotOwnTarget(
  server: Pick<Server, 'client' | 'connection'>,
  table: Own,
): Promise<void> {
  const fixed = tableReads(table.transform).flatMap(({ database, table: name }) =>
    database === undefined || database === 'system' ? [] : [{ database, name }],
  )
  for (const [database, reads] of Map.groupBy(fixed, (read) => read.database)) {
    const there = { ...server, connection: { ...server.connection, database } }
    const names = reads.map(({ name }) => name)
    const found = ownTargetBehind(table, server.connection.database, await tablesBehind(there, names))
    if (found !== undefined) throw found
  }
}
