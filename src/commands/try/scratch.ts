// Owns the scratch database of `try`: edited tables and their dependants, computed for some ranges. Everything else in it
// reads production. It says in its name when it may be dropped, for the case that nobody could drop it.
import type { Server } from '../../clickhouse/server.ts'
import type { openStream } from '../../clickhouse/stream/stream.ts'
import { usageError } from '../../model/errors.ts'
import type { Network, TableDefinition } from '../../model/model.ts'
import { columnProblems } from '../../sql-syntax/column-fit.ts'
import { columnsOfDdl } from '../../clickhouse/server-words.ts'
import { quoteIdentifier, quoteString } from '../../sql-syntax/quoting.ts'
import { standaloneForm } from '../../sql-syntax/table-forms.ts'
import type { BlockSet } from '../../model/blocks.ts'
import { every, monotonicMs } from '../../seam/clock.ts'
import { describeSelect, readerOf, transformParams } from '../../targets/transform.ts'

export type Cost = { readonly elapsedMs: number; readonly rows: number; readonly bytes: number }

const PREFIX = 'backfill_try_'
const LIFE_SECONDS = 86_400
const KILL_AGAIN_MS = 1_000

/** Makes the database, and drops those whose time is over; drops it however `use` ends. @throws BackfillError `failed`, `server` */
export async function withScratch<T>(
  { client }: Pick<Server, 'client'>,
  use: (database: string) => Promise<T>,
): Promise<T> {
  const drop = (database: string) =>
    client.command({
      query: `DROP DATABASE IF EXISTS ${quoteIdentifier(database)} SYNC`,
      doing: 'dropping the scratch database',
    })
  // By the server's clock.
  const [names] = await client.rows<{ readonly own: string; readonly over: readonly string[] }>({
    query: `SELECT concat('${PREFIX}', toString(toUnixTimestamp(now()) + ${LIFE_SECONDS}), '_', lower(hex(rand64()))) AS own,
      (SELECT groupArray(name) FROM system.databases WHERE startsWith(name, '${PREFIX}')
        AND toUInt64OrZero(splitByChar('_', name)[3]) < toUnixTimestamp(now())) AS over`,
    doing: 'looking for scratch databases',
  })
  const { own, over } = names!
  for (const database of over) await drop(database)
  await client.command({
    query: `CREATE DATABASE ${quoteIdentifier(own)}`,
    doing: 'creating the scratch database',
  })
  try {
    return await use(own)
  } finally {
    // A database that is being written is dropped only after the statement has ended. The server may begin a statement
    // that was given up after it was told to kill it, so it is told again. Without the grant the drop takes longer.
    const query = `KILL QUERY WHERE startsWith(query_id, '${own}') ASYNC`
    const kill = () =>
      client.command({ query, doing: 'killing statements of the scratch database' }).catch(() => {})
    await kill()
    const stop = every(KILL_AGAIN_MS, () => void kill())
    await drop(own).finally(stop)
  }
}

/** Lets what reads `table` in the scratch database read production. */
export async function linkTable({ client, connection }: Server, scratch: string, table: string) {
  const { database } = connection
  await client.command({
    query: `CREATE TABLE ${quoteIdentifier(scratch)}.${quoteIdentifier(table)} ENGINE = Merge(${quoteString(database)}, ${quoteString(`^${table}$`)})`,
    doing: `linking ${database}.${table} into the scratch database`,
  })
}

type Build = {
  readonly source: Server
  readonly target: Server
  /** The way from one to the other, if they are two. */
  readonly stream: ReturnType<typeof openStream>
  readonly scratch: string
  readonly network: Network
  readonly ranges: BlockSet
}

/** Creates the table by its file and fills it as a run would. @throws BackfillError `usage` for columns that a run would refuse; `failed`, `server` */
export async function buildTable(
  table: TableDefinition,
  { source, target, stream, scratch, network, ranges }: Build,
  signal: AbortSignal,
): Promise<Cost> {
  const { client } = target
  const reader = readerOf({ source, target }, table)
  const place = `${quoteIdentifier(scratch)}.${quoteIdentifier(table.target)}`
  const doing = `trying ${table.key}`
  const wanted = await columnsOfDdl(target, table.ddl)
  await client.command({ query: standaloneForm(table.ddl), query_params: { target: scratch }, doing })
  const places = { source: source.connection, target: { database: scratch } }
  const started = monotonicMs()
  for (const range of ranges) {
    const params = transformParams({ table, range, network, ...places })
    const { transform, settings } = table
    const columns = await describeSelect(reader, transform.text, { params, settings, doing })
    const problems = columnProblems(columns, wanted)
    if (problems.length > 0) throw usageError(`${transform.file}:${transform.line}: ${problems.join('; ')}`)
    const list = columns.map(({ name }) => quoteIdentifier(name)).join(', ')
    const into = `INSERT INTO ${place} (${list})`
    const queryId = `${scratch}-${table.key}-${range.from}`
    if (reader === target)
      await client.command({
        query: `${into}\nSELECT ${list} FROM (\n${transform.text}\n)`,
        query_id: queryId,
        query_params: params,
        clickhouse_settings: settings,
        abort_signal: signal,
        doing,
      })
    else
      await stream({
        reading: doing,
        writing: doing,
        queryId,
        columns,
        read: { text: transform.text, params, settings },
        into: { text: into, params: {} },
        fence: { text: 'true', params: {} },
        signal,
      })
  }
  const elapsedMs = monotonicMs() - started
  const [size] = await client.rows<Omit<Cost, 'elapsedMs'>>({
    query: `SELECT toUInt32(sum(rows)) AS rows, toFloat64(sum(bytes_on_disk)) AS bytes FROM system.parts
      WHERE active AND database = {database:String} AND table = {table:String}`,
    query_params: { database: scratch, table: table.target },
    doing,
  })
  return { elapsedMs, ...size! }
}
