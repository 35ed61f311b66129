// Owns the opening of an import's workspace: its target is the source database; the ledger stays in its place.
import { usageError } from '../../model/errors.ts'
import { FILE_BLOCKS, type FilesPort } from './files-port.ts'
import type { ImportTable } from './import.ts'
import { fileSource } from './files/file-source.ts'
import type { Range } from '../../model/blocks.ts'
import { openImportExecutor } from './executor.ts'
import { connectWorkspace, type ConnectedWorkspace, type WorkspaceOptions } from '../../workspace/connect.ts'

export type ImportWorkspaceOptions = WorkspaceOptions & {
  readonly tables: readonly ImportTable[]
  readonly files: FilesPort
  /** Of whole files. */
  readonly range: Range
}

/**
 * Rows go into the source database, written by the target's user, whose ledger and fence are on that server.
 * @throws BackfillError `usage` if source and target are two servers; `server` as `connectWorkspace`
 */
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
      catalogue: { ...catalogue, tables },
      ports: {
        ...workspace.ports,
        source: fileSource(files, range),
        target: { ...workspace.ports.target, create },
        executor: openImportExecutor({ server, names, network, tables, files }),
      },
    },
  }
}
