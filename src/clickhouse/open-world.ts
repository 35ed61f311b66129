// Owns the opening of a world: both servers reached, every port of the runner behind them.
import type { Catalogue, Network, TableDefinition } from '../runner/model.ts'
import { DEFAULT_WIRE, type Wire } from '../runner/pure/wire.ts'
import type { World } from '../runner/world.ts'
import type { Connection } from './connection.ts'
import { readCapacity } from './capacity.ts'
import { openExecutor } from './executor.ts'
import { openHistory } from './history.ts'
import { openLedger } from './ledger.ts'
import { openLocks } from './lock.ts'
import { type Names, namesFor } from './names.ts'
import { openQueries } from './queries.ts'
import { openServers } from './open-servers.ts'
import { openAgain, type Server, type ServerInfo } from './server.ts'
import { openSource } from './source.ts'
import { wireFrom } from './stream.ts'
import { openTarget } from './target.ts'
import { openVersions } from './versions.ts'

export type WorldOptions = {
  readonly source: Connection
  readonly target: Connection
  readonly ledgerDatabase: string
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
  const names = namesFor(options.ledgerDatabase)
  const { source, target, close: closeBoth } = await openServers(options)
  const heart = openAgain(target)
  const isOne = source.info.identity === target.info.identity
  const wire = isOne ? DEFAULT_WIRE : await wireFrom(source, options.wire ?? DEFAULT_WIRE)
  const close = async (): Promise<void> => void (await Promise.all([closeBoth(), heart.close()]))
  const ports = {
    ledger: openLedger({ server: target, names, network: network.name, toolVersion }),
    locks: openLocks({ server: heart, names, network: network.name, alone }),
    source: openSource({ server: source, network: network.name }),
    target: openTarget({ server: target, names }),
    executor: openExecutor({ source, target, names, network, wire }),
    queries: openQueries({ server: heart, source }),
    history: openHistory({ server: target, names, network: network.name }),
    versions: openVersions({ server: target, names, network: network.name, toolVersion }),
    capacity: () => readCapacity(source),
  }
  return {
    world: { network, catalogue, chosen, ports },
    servers: { source: source.info, target: target.info },
    wire,
    connected: { source, target, names },
    close,
  }
}
