// Owns the questions of `backfill doctor`: to each login for itself, so that one that is away hides nothing of the other.
import type { Network, TableDefinition } from '../../../model/model.ts'
import { type Joined, joinCluster } from '../../../clickhouse/cluster/cluster.ts'
import type { Connection } from '../../../clickhouse/connection.ts'
import { readCluster } from './cluster.ts'
import { readLedger } from './ledger.ts'
import { openSide, type OpenSide, type SidePort } from './server.ts'
import { readStorage } from './storage.ts'
import type { Names } from '../../../clickhouse/own-databases.ts'
import { sameLogin } from '../../../clickhouse/servers.ts'
import type { Server } from '../../../clickhouse/server.ts'
import type { ServerRole } from '../../../clickhouse/grants.ts'
import type { CheckServers } from '../../check/queries.ts'
import type { ClusterFacts } from '../checks/cluster.ts'
import type { LedgerFacts } from '../checks/ledger.ts'
import type { StorageFacts } from '../checks/storage.ts'

export type DoctorOptions = {
  readonly source: Connection
  readonly target: Connection
  readonly names: Names
  readonly network: Network
  /** Of the target; undefined: it is a server by itself. */
  readonly cluster: string | undefined
  /** Nobody else can reach the target (embedded). */
  readonly alone: boolean
}

export function openDoctor(options: DoctorOptions): DoctorPort & { close(): Promise<void> } {
  const { source, target, names, network, cluster, alone } = options
  const sides: readonly OpenSide[] = sameLogin(source, target)
    ? [openSide('server', ['source', 'target'], target)]
    : [openSide('source', ['source'], source), openSide('target', ['target'], target)]
  const serverOf = (side: 'source' | 'target'): Server | undefined =>
    sides.find((one) => one.sides.includes(side))!.server()
  const targetServer = (): Server => {
    const server = serverOf('target')
    if (server === undefined) throw new Error('the target was not reached')
    return server
  }

  /** As a node of its cluster, as a run would see it; asked once. */
  let joined: Promise<Joined> | undefined
  const join = (): Promise<Joined> => (joined ??= joinCluster(targetServer(), { cluster, names }))

  return {
    sides,
    databases: { source: source.database, target: target.database },
    names,

    check() {
      const [one, other] = [serverOf('source'), serverOf('target')]
      const any = one ?? other
      if (any === undefined) return undefined
      // A side that is away is never asked: the other one stands for it here, under its name.
      return {
        source: { ...(one ?? any), connection: source },
        target: { ...(other ?? any), connection: target },
        names,
        network,
      }
    },

    cluster:
      cluster === undefined ? undefined : () => readCluster({ server: targetServer(), names, cluster, join }),
    storage: (tables) =>
      readStorage({
        server: targetServer(),
        names,
        tables: tables.map((table) => table.target),
        cluster,
      }),
    async ledger(tables) {
      return await readLedger({ ...(await join()), network, alone, tables })
    },
    close: async () => void (await Promise.all(sides.map((side) => side.close()))),
  }
}

export type DoctorPort = {
  readonly sides: readonly SidePort[]
  readonly databases: Readonly<Record<ServerRole, string>>
  readonly names: { readonly ledger: string; readonly locks: string }
  /** Whom `check` would ask: the sides that were reached; undefined where none was. */
  check(): CheckServers | undefined
  /** Of the target; undefined where it is a server by itself. */
  readonly cluster: (() => Promise<ClusterFacts>) | undefined
  /** Of the target, or of all servers of its cluster. */
  storage(tables: readonly TableDefinition[]): Promise<StorageFacts>
  ledger(tables: readonly TableDefinition[]): Promise<LedgerFacts>
}
