// Owns connecting a workspace: reaching both servers and opening every port of the runner on them.
import { type Compression, DEFAULT_COMPRESSION } from '../model/model.ts'
import type { Ports, Workspace } from '../runner/workspace.ts'
import { type Connection, namesFor } from '../clickhouse/connection.ts'
import { readCapacity, readLoad, readOthers } from '../clickhouse/capacity.ts'
import { type Cluster, openAgain } from '../clickhouse/server.ts'
import { joinCluster } from '../clickhouse/cluster/cluster.ts'
import { acknowledgedBy } from '../clickhouse/cluster/quorum.ts'
import { openExecutor } from '../runner/executor.ts'
import { openLocks } from '../lock/lock.ts'
import { openQueries } from '../runner/query-fate.ts'
import { openServers } from '../clickhouse/servers.ts'
import { columnsOf, type Scope } from '../model/choose.ts'
import type { SourcePlace } from '../sources/rows.ts'
import { openSource } from '../sources/source.ts'
import { compressionFrom } from '../clickhouse/stream/stream.ts'
import { ownOfNodes } from '../targets/own-of-nodes.ts'
import { openTarget } from '../targets/target.ts'
import { openEvents } from '../ledger/latest-events.ts'
import { openFindings } from '../ledger/findings.ts'
import { openRunReports } from '../ledger/run-reports.ts'
import { openSteering } from '../ledger/steering.ts'
import { openVersions } from '../ledger/sql-versions.ts'
import { openLedger } from '../ledger/writer.ts'

export type WorkspaceOptions = Scope & {
  readonly source: Connection
  readonly target: Connection
  readonly ledgerDatabase: string
  readonly cluster: string | undefined
  /** No other process can reach the target (embedded): locks of earlier processes are free. */
  readonly exclusive: boolean
  readonly toolVersion: string
  readonly compression?: Compression
}

export type ConnectedWorkspace = Awaited<ReturnType<typeof connectWorkspace>>

/** What some commands need beside the ports of the workspace. */
export type Connected = ConnectedWorkspace['connected']

/** Reaches both servers. @throws BackfillError `server` if one cannot be reached or refuses the login. */
export async function connectWorkspace(options: WorkspaceOptions) {
  const { network, catalogue, chosen, exclusive, toolVersion } = options
  const { source, target, ledgerServer, names, ...sides } = await openSides(options)
  const heartbeat = openAgain(target)
  const isOne = source.info.identity === target.info.identity
  const compression = isOne
    ? DEFAULT_COMPRESSION
    : await compressionFrom(source, options.compression ?? DEFAULT_COMPRESSION)
  const own = { names, network: network.name }
  const place = { ...own, server: ledgerServer, toolVersion }
  const sources: SourcePlace = {
    server: source,
    network: network.name,
    columnsOf: (name) => columnsOf(catalogue, name),
  }
  const ports: Ports = {
    ledger: openLedger(place),
    locks: openLocks({ ...own, server: heartbeat, exclusive }),
    source: openSource(sources),
    target: openTarget({ server: target, names }),
    executor: openExecutor({ source, target, names, network, compression }),
    queries: openQueries({ server: heartbeat, source }),
    versions: openVersions(place),
    findings: openFindings(place),
    steering: openSteering(heartbeat, place),
    runReports: openRunReports(heartbeat, place),
    load: { others: () => readOthers(source), rows: (sql) => readLoad(heartbeat, sql), isKnown: isOne },
    capacity: () => readCapacity(source),
    ownOfNodes: (tables) => ownOfNodes({ source, target }, tables, catalogue),
  }
  const ledger = target.cluster?.keeper ? catalogue.clusterLedger : catalogue.ledger
  const address = ({ connection: { database, url } }: typeof source, other?: typeof source) =>
    url === other?.connection.url ? database : `${database} on ${url}`
  const servers = [...new Set([target, source].map(({ info }) => `ClickHouse ${info.version}`))].join(' and ')
  const addresses = { source: address(source, target), target: address(target), servers, toolVersion }
  const workspace: Workspace = { network, catalogue: { ...catalogue, ledger }, chosen, ports, addresses }
  return {
    workspace,
    servers: { source: source.info, target: target.info },
    compression,
    connected: {
      source,
      target,
      names,
      place: { ...own, server: target },
      recordedEvents: openEvents({ ...own, server: target }),
      sources,
      sourceRows: ports.source,
    },
    close: async (): Promise<void> => void (await Promise.all([sides.close(), heartbeat.close()])),
  }
}

export async function openSides({
  cluster: name,
  ledgerDatabase,
  ...connections
}: Pick<WorkspaceOptions, 'source' | 'target' | 'cluster' | 'ledgerDatabase'>) {
  const both = await openServers(connections)
  try {
    const { server, names } = await joinCluster(both.target, {
      cluster: name,
      names: namesFor(ledgerDatabase),
    })
    const { cluster } = server
    if (!cluster?.keeper) return { ...both, names, target: server, ledgerServer: server }
    const target = openAgain(server, acknowledgedBy(replicasOfEach(cluster)))
    // Its writes are acknowledged when all nodes have them.
    const ledgerServer = openAgain(server, acknowledgedBy(cluster.nodes.length))
    const close = async (): Promise<void> =>
      void (await Promise.all([both.close(), target.close(), ledgerServer.close()]))
    return { ...both, names, target, ledgerServer, close }
  } catch (error) {
    await both.close()
    throw error
  }
}

/** What writes refuses shards with unequal numbers. */
function replicasOfEach({ nodes }: Cluster): number {
  return nodes.filter((shard) => shard === nodes[0]).length
}
