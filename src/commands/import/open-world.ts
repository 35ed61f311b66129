// Owns the opening of an import's world: the source database as the target of files, the ledger where it always is.
import { usageError } from '../../model/errors.ts'
import { FILE_BLOCKS, type FilesPort } from './files-port.ts'
import type { ImportTable } from './import.ts'
import type { SourcePort } from '../../sources/source-port.ts'
import { openImportExecutor } from './executor.ts'
import { openWorld, type OpenWorld, type WorldOptions } from '../../runner/open-world.ts'
import { serverError } from '../../clickhouse/server-error.ts'

export type ImportWorldOptions = Omit<WorldOptions, 'chosen'> & {
  readonly tables: readonly ImportTable[]
  readonly chosen: readonly ImportTable[]
  readonly files: FilesPort
  readonly source: WorldOptions['source']
  readonly fileSource: SourcePort
}

/**
 * Rows go into the source database, written by the target's user, whose ledger and fence are on that server.
 * @throws BackfillError `usage` where source and target are two servers; `server` as `openWorld`
 */
export async function openImportWorld(options: ImportWorldOptions): Promise<OpenWorld> {
  const { tables, files, fileSource, source, target, catalogue } = options
  const opened = await openWorld({ ...options, target: { ...target, database: source.database } })
  const { world, servers, connected } = opened
  if (servers.source.identity !== servers.target.identity) {
    await opened.close()
    throw usageError(
      `an import writes into the source database beside the ledger, but source and target are two servers (${source.url}, ${target.url})`,
      'unset SOURCE_CLICKHOUSE_URL to import into the target server, or point both at the server that shall have the rows',
    )
  }
  const { target: server, names } = connected
  // Several networks share the source tables, and whatever a network counts as a hole: here it is a file.
  const network = {
    ...world.network,
    holeBlocks: FILE_BLOCKS,
    density: Object.fromEntries(catalogue.sources.map(({ table }) => [table, 'transaction' as const])),
  }
  const create = async ({ ddl }: Pick<ImportTable, 'ddl'>): Promise<void> => {
    const { connection, client } = server
    await client
      .command({ query: ddl.text, query_params: { source: connection.database } })
      .catch((error: unknown) => {
        throw serverError(error, { connection, doing: `running ${ddl.file}` })
      })
  }
  return {
    ...opened,
    world: {
      ...world,
      network,
      catalogue: { ...catalogue, tables },
      ports: {
        ...world.ports,
        source: fileSource,
        target: { ...world.ports.target, create },
        executor: openImportExecutor({ server, names, network, tables, files }),
      },
    },
  }
}
