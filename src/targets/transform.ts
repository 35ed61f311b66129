// Owns the choice of the server for a transform, and its description by the server: columns, or an error.
import type { ClickHouseSettings } from '@clickhouse/client'
import { type BackfillError, fileError, usageError } from '../model/errors.ts'
import type { Network, TableDefinition } from '../model/model.ts'
import { BoundText } from '../sql-syntax/parameters.ts'
import type { OutputColumn } from '../sql-syntax/column-fit.ts'
import type { Connection } from '../clickhouse/connection.ts'
import { blamesText } from '../clickhouse/error-codes.ts'
import { errorCode, isMissing, MISSING_HINT, messageOf } from '../clickhouse/server-error.ts'
import type { Server } from '../clickhouse/server.ts'
import type { Difference } from '../clickhouse/settings-limits.ts'
import type { Range } from '../model/blocks.ts'
import { quotedName } from '../sql-syntax/quoting.ts'

/** The target if it reads derived tables, or if both are one server. @throws BackfillError `usage` for a transform that reads both sides of two */
export function readerOf<S extends Pick<Server, 'info' | 'connection'>>(
  { source, target }: { readonly source: S; readonly target: S },
  { key, sources, after, transform }: TableDefinition,
): S {
  if (source.info.identity === target.info.identity || sources.length === 0) return target
  if (after.length === 0) return source
  throw fileError({
    rule: 'E066',
    file: transform.file,
    line: transform.line,
    sentence: `${key} reads source tables and derived tables, which are on different servers (${source.connection.url}, ${target.connection.url})`,
    hint: 'Split it into two transforms, or keep source and target on one server',
  })
}

export type StatementCall = {
  readonly params: Record<string, unknown>
  readonly settings: ClickHouseSettings
}

/** The statement that describes a SELECT, which begins on the second line. */
export function describeStatement(select: string): string {
  return `DESCRIBE TABLE (\n${select}\n)`
}

/** Names and types of the columns that a SELECT yields; reads no rows. @throws the client's error */
export async function describeSelect(
  { client }: Pick<Server, 'client'>,
  select: string,
  { params, settings, doing }: StatementCall & { readonly doing?: string },
): Promise<readonly OutputColumn[]> {
  const rows = await client.rows<OutputColumn>({
    query: describeStatement(select),
    query_params: params,
    clickhouse_settings: settings,
    doing,
  })
  return rows.map(({ name, type }) => ({ name, type }))
}

/** Reads no rows. @throws BackfillError `usage` with file and line if the server does not accept the transform */
export async function describeTransform(
  { client, connection, limits }: Pick<Server, 'client' | 'connection' | 'limits'>,
  table: TableDefinition,
  call: StatementCall,
): Promise<readonly OutputColumn[]> {
  const [denied] = limits?.denied(table.settings) ?? []
  if (denied !== undefined) throw maySetNot(table, connection, denied)
  try {
    return await describeSelect({ client }, table.transform.text, {
      ...call,
      doing: `checking ${table.transform.file}`,
    })
  } catch (error) {
    throw (
      noSourceDatabase(error, connection, call) ??
      (blamesText(error as BackfillError) ? rejected(table, error) : error)
    )
  }
}

/** The same for each table once: a transform's columns do not change within a run. */
export function describedOnce<Table extends TableDefinition>(
  describe: (table: Table) => Promise<readonly OutputColumn[]>,
): (table: Table) => Promise<readonly OutputColumn[]> {
  const described = new Map<string, Promise<readonly OutputColumn[]>>()
  return (table) => {
    const columns = described.get(table.key) ?? describe(table)
    described.set(table.key, columns)
    return columns
  }
}

/** A header's setting may change the rows, so it must not be dropped. */
function maySetNot(
  { transform }: TableDefinition,
  { side, username }: Connection,
  { name, wanted, holds }: Difference,
): BackfillError {
  return usageError(
    `${transform.file}: the header sets ${name} = ${wanted}, and user '${username}' of the ${side} server may not (it has '${holds}')`,
    `Have ${name} = '${wanted}' set in the user's profile, let the user set it (readonly = 2), or take it out of the header`,
  )
}

/** No file is to blame for it. */
function noSourceDatabase(
  error: unknown,
  { url }: Connection,
  { params }: StatementCall,
): BackfillError | undefined {
  const name = quotedName(String(params['source']))
  if (errorCode(error) !== UNKNOWN_DATABASE || !messageOf(error).includes(name)) return undefined
  return usageError(`the source database ${name} does not exist on ${url}`, MISSING_HINT.replace(/,.*/, ''))
}

const UNKNOWN_DATABASE = 81

/** ClickHouse rejects a transform: an error of the file (or of the sources), found before anything runs. */
function rejected({ key, sources, transform }: TableDefinition, error: unknown): BackfillError {
  const missing =
    sources.length === 0
      ? `It reads derived tables: \`backfill create-tables --tables ${key}\` creates those that are missing`
      : MISSING_HINT
  return usageError(
    `${transform.file}:${transform.line}: ClickHouse rejects this transform: ${messageOf(error)}`,
    isMissing(error)
      ? missing
      : errorCode(error) === ILLEGAL_FINAL
        ? NO_FINAL
        : ((error as BackfillError).hint ?? 'Fix the file'),
  )
}

const ILLEGAL_FINAL = 181
const NO_FINAL =
  'The engine of the table keeps every row that is written again: make it a ReplacingMergeTree; or take FINAL out of the file, if none of its rows ever is'

type TransformCall = {
  readonly table: TableDefinition
  readonly range: Range
  readonly network: Network
  readonly source: Pick<Connection, 'database'>
  readonly target: Pick<Connection, 'database'>
}

/** For statements that are described and not run: a time has ten digits, or it is no DateTime. */
export const SOME_RANGE: Range = { from: 1_000_000_000, to: 1_000_000_000 }

export function transformParams({ table, range, network, source, target }: TransformCall) {
  const { from, to } = range
  const params: Record<string, unknown> = {
    from_block: from,
    to_block: to,
    from,
    to,
    network: network.name,
    source: source.database,
    target: target.database,
    ...network.forks,
    ...Object.fromEntries(table.params.map(({ name, value }) => [name, new BoundText(value)])),
  }
  return params
}
