// Owns opening the workspace for a command, or the target alone, and printing its messages.
import { relative } from 'node:path'
import { type Server, openServer, namesFor } from '../clickhouse/server.ts'
import {
  type Connections,
  connectServers,
  openWorkspace,
  type Session,
  type Starting,
} from '../workspace/open.ts'
import { assertUnits } from '../workspace/run-options.ts'
import { selectors } from '../workspace/values.ts'
import { interruptedCode, withSignals } from '../terminal/signals.ts'
import type { Context } from './command.ts'
import { joinCluster } from '../clickhouse/cluster/cluster.ts'
import type { LedgerPlace } from '../ledger/events.ts'
import { closing } from '../model/closing.ts'

export async function withWorkspace<T>(context: Context, use: (session: Session) => Promise<T>): Promise<T> {
  const { config, flags } = context
  printWarnings(context)
  const tables = selectors(flags)
  return await openWorkspace(config, tables, announceStart(context), async (session) => {
    warnOfNodes(context, session.connected.target)
    assertUnits(session.workspace.chosen, context)
    return await use(session)
  })
}

function warnOfNodes({ output }: Context, { cluster }: Pick<Server, 'cluster'>): void {
  output.message(
    (cluster?.unreachable ?? []).map(
      (node) =>
        `${output.messageColors.yellow('warning:')} ${node} of the cluster is unreachable: the others answer for it`,
    ),
    'warning',
  )
}

/** As `withWorkspace`; after the first signal, which `use` gets, the exit code is that of the signal. */
export async function withStoppable(
  context: Context,
  use: (session: Session, signal: AbortSignal) => Promise<number>,
  stopping = 'Stopping.',
): Promise<number> {
  return await withSignals(
    () => context.output.message([stopping]),
    async (signal) => {
      const code = await withWorkspace(context, (session) => use(session, signal))
      return signal.aborted ? interruptedCode(signal) : code
    },
  )
}

export async function withConnections<T>(
  context: Context,
  use: (connections: Connections) => Promise<T>,
): Promise<T> {
  printWarnings(context)
  return await connectServers(context.config, announceStart(context), use)
}

function printWarnings({ config, output, flags }: Context): void {
  if (config.envFile !== undefined && !flags.has('quiet'))
    output.message([`Settings of ${config.envFile} count.`])
  output.message(
    config.warnings.map((warning) => `${output.messageColors.yellow('warning:')} ${warning}`),
    'warning',
  )
}

function announceStart({ config, output, flags }: Context): Starting {
  return (directory) => {
    if (flags.has('quiet')) return
    output.message([`Using the embedded server in ${relative(config.folder, directory) || directory}.`])
  }
}

export async function withTarget<T>(
  context: Context,
  use: (place: LedgerPlace, connections: Connections) => Promise<T>,
): Promise<T> {
  const { cluster, ledgerDatabase, network } = context.config
  return await withConnections(context, async (connections) =>
    closing(await openServer(connections.target), async (opened) => {
      const names = namesFor(ledgerDatabase.value)
      const place = await joinCluster(opened, { cluster: cluster.value, names })
      warnOfNodes(context, place.server)
      return await use({ ...place, network: network.value }, connections)
    }),
  )
}
