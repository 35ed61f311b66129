// Owns the opening of a world: both servers reached, every port of the runner behind them.
import type { ClickHouseSettings } from '@clickhouse/client'
import type { Catalogue, Network, TableDefinition } from '../model/model.ts'
import { DEFAULT_WIRE, type Wire } from '../model/wire-names.ts'
import type { World } from './world.ts'
import type { Connection } from '../clickhouse/connection.ts'
import { readCapacity } from '../clickhouse/capacity.ts'
import { type Cluster, openAgain, type Server, type ServerInfo } from '../clickhouse/server.ts'
import { namesOn, nodeOf } from '../clickhouse/cluster/cluster.ts'
import { openExecutor } from './executor.ts'
import { openHistory } from '../ledger/history.ts'
import { openLocks } from '../lock/lock.ts'
import { type Names, namesFor } from '../clickhouse/own-databases.ts'
import { openQueries } from './query-fate.ts'
import { type BothServers, openServers } from '../clickhouse/servers.ts'
import { openSource } from '../sources/source.ts'
import { wireFrom } from '../clickhouse/stream/stream.ts'
import { openTarget } from '../targets/target.ts'
import { openVersions } from '../ledger/sql-versions.ts'
import type { LedgerOptions, LedgerPort } from '../ledger/ledger.ts'
import { ledgerReader } from '../ledger/reader.ts'
import { ledgerWriter } from '../ledger/writer.ts'

export type WorldOptions = {
  readonly source: Connection
  readonly target: Connection
  readonly ledgerDatabase: string
  /** Of the target server; undefined: it is a server by itself. */
  readonly cluster: string | undefined
  readonly network: Network
  readonly catalogue: Catalogue
  readonly chosen: readonly TableDefinition[]
  /** Nobody else can reach the target (embedded): locks that earlier processes left are free. */
  readonly alone: boolean
  readonly toolVersion: string
  /** How rows cross where these are two servers. */
  readonly wire?: Wire
}

export type OpenWorld = {
  readonly world: World
  readonly servers: { readonly source: ServerInfo; readonly target: ServerInfo }
  /** How rows really cross where these are two servers. */
  readonly wire: Wire
  /** For ports that one command alone needs: it opens them itself, so that the others do not load them. */
  readonly connected: { readonly source: Server; readonly target: Server; readonly names: Names }
  readonly close: () => Promise<void>
}

/** Reaches both servers. @throws BackfillError `server` where one cannot be reached or refuses the login. */
export async function openWorld(options: WorldOptions): Promise<OpenWorld> {
  const { network, catalogue, chosen, alone, toolVersion } = options
  const ownNames = namesFor(options.ledgerDatabase)
  const { source, target, books, names, close: closeBoth } = await openSides(options, ownNames)
  const heart = openAgain(target)
  const isOne = source.info.identity === target.info.identity
  const wire = isOne ? DEFAULT_WIRE : await wireFrom(source, options.wire ?? DEFAULT_WIRE)
  const close = async (): Promise<void> => void (await Promise.all([closeBoth(), heart.close()]))
  const ports = {
    ledger: openLedger({ server: books, names, network: network.name, toolVersion }),
    locks: openLocks({ server: heart, names, network: network.name, alone }),
    source: openSource({ server: source, network: network.name }),
    target: openTarget({ server: target, names }),
    executor: openExecutor({ source, target, names, network, wire }),
    queries: openQueries({ server: heart, source }),
    history: openHistory({ server: books, names, network: network.name }),
    versions: openVersions({ server: books, names, network: network.name, toolVersion }),
    capacity: () => readCapacity(source),
  }
  const ledger = target.cluster?.keeper ? catalogue.clusterLedger : catalogue.ledger
  return {
    world: { network, catalogue: { ...catalogue, ledger }, chosen, ports },
    servers: { source: source.info, target: target.info },
    wire,
    connected: { source, target, names },
    close,
  }
}

type Sides = BothServers & {
  /** The target over connections whose writes count when all nodes have them. */
  readonly books: Server
  readonly names: Names
}

/** Both servers; the target as a node of its cluster. */
async function openSides({ cluster: name, ...connections }: WorldOptions, names: Names): Promise<Sides> {
  const both = await openServers(connections)
  if (name === undefined) return { ...both, names, books: both.target }
  try {
    const known = await nodeOf(both.target, name, names)
    const { cluster } = known
    if (!cluster?.keeper) return { ...both, names, target: known, books: known }
    const target = openAgain(known, acknowledgedBy(replicasOfEach(cluster)))
    const books = openAgain(known, acknowledgedBy(cluster.nodes.length))
    const close = async (): Promise<void> =>
      void (await Promise.all([both.close(), target.close(), books.close()]))
    return { ...both, names: namesOn(known, names), target, books, close }
  } catch (error) {
    await both.close()
    throw error
  }
}

/** What is written is there when so many replicas have it: then it does not matter which of them is asked. */
function acknowledgedBy(replicas: number): ClickHouseSettings {
  return replicas < 2 ? {} : { insert_quorum: String(replicas), insert_quorum_parallel: 1 }
}

/** Replicas that every shard has at least. */
function replicasOfEach({ nodes }: Cluster): number {
  return Math.min(...[...Map.groupBy(nodes, (shard) => shard).values()].map(({ length }) => length))
}

export function openLedger(options: LedgerOptions): LedgerPort {
  return { ...ledgerReader(options), ...ledgerWriter(options) }
}
