// Owns an import's workspace, whose target is the source database, and its execution: a fenced INSERT reads a file's bytes.
import { closing } from '../../model/closing.ts'
import { BackfillError, usageError } from '../../model/errors.ts'
import { FILE_BLOCKS, type FetchedFile, type FilesPort, fileSource } from './files-port.ts'
import type { ExecutorPort, InsertJob, InsertReport } from '../../runner/executor.ts'
import { hasParameter, type ImportTable } from './sql.ts'
import { openDeletions } from '../../targets/delete-ranges.ts'
import { quoteIdentifier } from '../../sql-syntax/quoting.ts'
import { compiledFence } from '../../lock/fence.ts'
import type { Names, Server } from '../../clickhouse/server.ts'
import { runWrite, writeSettings } from '../../clickhouse/write.ts'
import { describedOnce, describeTransform, transformParams } from '../../targets/transform.ts'
import type { Range } from '../../model/blocks.ts'
import { connectWorkspace, type ConnectedWorkspace, type WorkspaceOptions } from '../../workspace/connect.ts'

type ImportExecutorOptions = Pick<ImportWorkspaceOptions, 'network' | 'tables' | 'files'> & {
  readonly server: Server
  readonly names: Names
}

/** Missing columns are checked before the INSERT; a NULL in a column that is not Nullable fails the statement. */
const READ_SETTINGS = {
  input_format_parquet_allow_missing_columns: 1,
  input_format_null_as_default: 0,
} as const

export function openImportExecutor(options: ImportExecutorOptions): ExecutorPort {
  const { server, names, network, tables, files } = options
  const tableOf = (key: string) => tables.find((table) => table.key === key)!

  const paramsOf = (table: ImportTable, range: Range, has: (column: string) => boolean) => {
    const optional = table.fileColumns.flatMap((one) => (one.optional ? [one.name] : []))
    return {
      ...transformParams({ table, range, network, source: server.connection, target: server.connection }),
      ...Object.fromEntries(optional.map((name) => [hasParameter(name), has(name)])),
    }
  }

  const columnsOf = describedOnce((table: ImportTable) => {
    const params = paramsOf(table, { from: 0, to: FILE_BLOCKS - 1 }, () => true)
    return describeTransform(server, table, { params, settings: table.settings })
  })

  async function insertFile(job: InsertJob, file: FetchedFile): Promise<InsertReport> {
    const { range, queryId, lock, progress } = job
    const table = tableOf(job.table.key)
    const missing = table.fileColumns.find(({ name, optional }) => !optional && !file.columns.has(name))
    if (missing !== undefined) throw notAsNeeded(`${file.name} has no column ${missing.name}`, table)
    const fence = compiledFence(server.db, { lockName: lock.name, names })
    const list = (await columnsOf(table)).map(({ name }) => quoteIdentifier(name)).join(', ')
    const body = file.read()
    try {
      const report = await runWrite(server, {
        query: `INSERT INTO {backfill_database:Identifier}.{backfill_table:Identifier} (${list})
SELECT ${list} FROM (\n${table.transform.text}\n)\nWHERE ${fence.text}
FORMAT Parquet`,
        query_id: queryId,
        doing: `importing ${file.name} (query ${queryId})`,
        query_params: {
          ...paramsOf(table, range, (column) => file.columns.has(column)),
          ...fence.params,
          backfill_database: server.connection.database,
          backfill_table: table.target,
        },
        clickhouse_settings: { ...writeSettings(server), ...READ_SETTINGS, ...table.settings },
        progress,
        values: body,
      })
      // The count includes rows that materialized views write, so a higher count proves nothing.
      if (report.rowsWritten < file.rows)
        throw notAsNeeded(
          `${file.name} has ${file.rows} rows, but only ${report.rowsWritten} are of ${network.name}, blocks ${range.from}-${range.to}`,
          table,
        )
      return report
    } finally {
      body.destroy()
    }
  }

  return {
    describe: ({ key }) => columnsOf(tableOf(key)),

    async insert(job) {
      const file = await files.fetch({ table: job.table.target, first: job.range.from })
      return await closing(file, (opened) => insertFile(job, opened)).catch((error: unknown) => {
        throw error instanceof BackfillError ? classified(error) : error
      })
    },

    // Its tables hold several networks, and others fill them, too.
    digest: async () => undefined,
    storedDigests: async () => [],
    outside: async () => undefined,
    // Of sources, nothing is derived that could be audited.
    audit: async () => undefined,
    describeAudits: async () => undefined,

    ...openDeletions(server, names, network.name),
  }
}

function notAsNeeded(message: string, { transform }: ImportTable): BackfillError {
  return new BackfillError(message, {
    kind: 'failed',
    rangeOnly: true,
    hint: `Check that the file is of this network and not an older version; ${transform.file} defines how it is read`,
  })
}

/**
 * ClickHouse's codes for data that it cannot read or convert (CANNOT_PARSE_TEXT, ATTEMPT_TO_READ_AFTER_EOF, TYPE_MISMATCH,
 * INCORRECT_DATA…), and for what the Parquet library throws (1001): the next file may be fine.
 */
const FILE_CODES: ReadonlySet<number> = new Set([
  6, 8, 27, 32, 33, 38, 41, 53, 69, 70, 72, 117, 131, 271, 349, 636, 1001,
])

/** MEMORY_LIMIT_EXCEEDED: retried, not split, because half of the blocks still need the whole file. */
const NO_MEMORY = 241

function classified(error: BackfillError): BackfillError {
  const { message, kind, code, hint, cause } = error
  const ofThisFile = { kind, code, rangeOnly: true, hint, cause }
  const help = 'The server needs memory for a whole file: use --jobs 1, or raise its memory limit'
  if (kind === 'failed' && code === NO_MEMORY)
    return new BackfillError(message, { ...ofThisFile, retry: 'retry', hint: help })
  return kind === 'failed' && FILE_CODES.has(code) ? new BackfillError(message, ofThisFile) : error
}

type ImportWorkspaceOptions = WorkspaceOptions & {
  readonly tables: readonly ImportTable[]
  readonly files: FilesPort
  readonly range: Range
}

/** @throws BackfillError `usage` if source and target are two servers: fence and ledger must be beside the rows */
export async function openImportWorkspace(options: ImportWorkspaceOptions): Promise<ConnectedWorkspace> {
  const { tables, files, range, source, target, catalogue } = options
  const opened = await connectWorkspace({ ...options, target: { ...target, database: source.database } })
  const { workspace, servers, connected } = opened
  if (servers.source.identity !== servers.target.identity) {
    await opened.close()
    throw usageError(
      `an import writes into the source database beside the ledger, but source and target are two servers (${source.url}, ${target.url})`,
      'unset SOURCE_CLICKHOUSE_URL to import into the target server, or point both at the server that should hold the rows',
    )
  }
  const { target: server, names } = connected
  // For an import a source gap is one file, whatever length the network's configuration sets.
  const network = {
    ...workspace.network,
    sourceGapBlocks: FILE_BLOCKS,
    blockCoverage: Object.fromEntries(catalogue.sources.map(({ table }) => [table, 'every-block' as const])),
  }
  const query_params = { source: source.database }
  const create = ({ ddl }: Pick<ImportTable, 'ddl'>): Promise<void> =>
    server.client.command({ query: ddl.text, query_params, doing: `running ${ddl.file}` })
  return {
    ...opened,
    workspace: {
      ...workspace,
      network,
      // Not that of the options: on a cluster the workspace has the ledger of all nodes.
      catalogue: { ...workspace.catalogue, tables },
      ports: {
        ...workspace.ports,
        source: fileSource(files, range),
        target: { ...workspace.ports.target, create },
        executor: openImportExecutor({ server, names, network, tables, files }),
      },
    },
  }
}
