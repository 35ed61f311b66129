// Owns opening the workspace for a command, or the target alone, and printing its messages.
import { relative } from 'node:path'
import { namesFor } from '../clickhouse/connection.ts'
import type { Server } from '../clickhouse/server.ts'
import {
  type Connections,
  connectServers,
  openWorkspace,
  type Session,
  type Starting,
} from '../workspace/open.ts'
import { assertUnits } from '../workspace/run-options.ts'
import { selectors, type Flags } from '../workspace/values.ts'
import { interruptedCode, withSignals } from '../terminal/signals.ts'
import type { LedgerPlace } from '../ledger/events.ts'
import { closing } from '../model/closing.ts'
import type { Config } from '../workspace/config.ts'
import type { Output } from '../terminal/output.ts'
import type { Flag, FlagRules } from '../terminal/argv.ts'

export async function withWorkspace<T>(context: Context, use: (session: Session) => Promise<T>): Promise<T> {
  const { config, flags } = context
  printWarnings(context)
  return await openWorkspace(config, selectors(flags), announceStart(context), async (session) => {
    warnOfNodes(context, session.connected.target)
    assertUnits(session.workspace.chosen, context)
    return await use(session)
  })
}

function warnOfNodes({ output }: Context, { cluster }: Pick<Server, 'cluster'>): void {
  const { unreachable = [], lacking = [] } = cluster ?? {}
  const away = unreachable.map((node) => `${node} of the cluster is unreachable: the others answer for it`)
  warn(output, [...away, ...lacking.map(({ error }) => error.message)])
}

function warn(output: Output, sentences: readonly string[]): void {
  const head = output.messageColors.yellow('warning:')
  output.message(
    sentences.map((sentence) => `${head} ${sentence}`),
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
  warn(output, config.warnings)
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
  const { openServer } = await import('../clickhouse/server.ts')
  const { joinCluster } = await import('../clickhouse/cluster/cluster.ts')
  return await withConnections(context, async (connections) =>
    closing(await openServer(connections.target), async (opened) => {
      const names = namesFor(ledgerDatabase.value)
      const place = await joinCluster(opened, { cluster: cluster.value, names })
      warnOfNodes(context, place.server)
      return await use({ ...place, network: network.value }, connections)
    }),
  )
}

export type Context = {
  readonly flags: Flags
  readonly config: Config
  readonly output: Output
  /** One for each network, of a command that works on several together; the first one is this one. */
  readonly each?: readonly Context[]
}

export type Command = (context: Context) => Promise<number>

export type ExitCodes = Readonly<Record<string, string>>

export type CommandEntry = FlagRules & {
  readonly name: string
  /** Its purpose, as an imperative without a full stop; one line of the list of commands. */
  readonly about: string
  readonly usage: string
  readonly flags: readonly Flag[]
  readonly exits: ExitCodes
  readonly examples: Readonly<Record<string, string>>
  readonly needsChoice?: true
  /** It may work on several networks: `--network a,b`, `--network all`. */
  readonly networks?: 'one by one' | 'together'
  /** With this, `flag=value`, it works on them together. */
  readonly together?: string
  /** Flags that the command always has, as if they were typed. */
  readonly implied?: Readonly<Record<string, string>>
  /** Loads the code on use: `--help` and usage errors must not wait for the ClickHouse client. */
  readonly load: () => Promise<Command>
}

/** `usage` without a value: of tables; the flags without the common ones. */
export type DeclaredEntry = Omit<CommandEntry, 'usage' | 'flags' | 'exits'> &
  Partial<Pick<CommandEntry, 'usage' | 'exits'>> & {
    readonly flags: readonly (Flag | string)[]
    /** It asks no configured server: it has no common flags. */
    readonly isLocal?: boolean
  }
