// Owns what a command is handed: the network, the tables it is about and the ports to the servers.
import type { Catalogue, Network, TableDefinition } from '../model/model.ts'
import type { Ports } from './executor-port.ts'

export type World = {
  readonly network: Network
  readonly catalogue: Catalogue
  /** The tables the person chose, in dependency order; all of them unless `--tables` says otherwise. */
  readonly chosen: readonly TableDefinition[]
  readonly ports: Ports
}
