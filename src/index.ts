// Owns the library: what `backfill up` and `backfill status` do, for programs that schedule by themselves. It prints nothing,
// ends no process and takes no signal.
import { status as readStatus } from './commands/status/status.ts'
import type { StatusReport } from './commands/status/table-report.ts'
import { COMMANDS } from './cli/commands.ts'
import { usageError } from './model/errors.ts'
import { knownNames } from './model/did-you-mean.ts'
import type { UpOptions } from './planning/run-options.ts'
import type { RunEvent, RunSummary } from './runner/events.ts'
import { up as run } from './runner/up.ts'
import { openAges } from './sources/ages.ts'
import { type Config, readConfig } from './workspace/config.ts'
import { openWorkspace as openSession, type Session } from './workspace/open.ts'
import { assertOptions, upOptions } from './workspace/run-options.ts'
import { type Flags, typedWords } from './workspace/values.ts'

export { BackfillError, type ErrorKind } from './model/errors.ts'
export type { RunEvent, RunSummary, StatusReport, UpOptions }

export type WorkspaceOptions = {
  /** Where a `.env` and `sql` are looked for; default: the working folder. */
  readonly folder?: string
  /** The variables of docs/reference/configuration.md; default: those of this process. */
  readonly environment?: Readonly<Record<string, string | undefined>>
  /** Flags of `backfill up` that are not about output or tables, and their values: `{ network: 'sepolia', sql: './sql' }`. */
  readonly flags?: Readonly<Record<string, string>>
  /** Tables, in the forms that `--tables` takes; default: all. */
  readonly tables?: readonly string[]
}

/** SQL files with their servers. */
export type Workspace = {
  readonly network: string
  /** Keys of the chosen tables, inputs first. */
  readonly tables: readonly string[]
  /** What the command line would warn of. */
  readonly warnings: readonly string[]
  /** Closes the connections, and stops the embedded server if it is used. */
  close(): Promise<void>
}

/** Of `backfill up`, without those of its output, of which there is none, and without those that choose tables. */
const UP_FLAGS = COMMANDS.find(({ name }) => name === 'up')!.flags.flatMap(({ name }) =>
  ['tables', 'exclude', 'dry-run', 'json', 'quiet', 'log-format', 'no-color', 'yes'].includes(name)
    ? []
    : [name],
)

type Opened = { readonly session: Session; readonly config: Config; readonly flags: Flags }

const opened = new WeakMap<Workspace, Opened>()

/**
 * Reads the configuration and the SQL files, and connects to the servers.
 *
 * @example
 * const workspace = await openWorkspace({ flags: { network: 'mainnet' }, tables: ['block_slots_stat'] })
 * try {
 *   const { failed } = await up(workspace, { to: 20_000_000 })
 *   if (failed.length > 0) throw failed[0]!.error
 * } finally {
 *   await workspace.close()
 * }
 * @throws BackfillError `usage` for a bad value or file, `server` if a server is unreachable or refuses the login
 */
export async function openWorkspace({
  folder = process.cwd(),
  environment = process.env,
  flags: typed = {},
  tables = [],
}: WorkspaceOptions = {}): Promise<Workspace> {
  for (const name of Object.keys(typed))
    if (!UP_FLAGS.includes(name))
      throw usageError(
        name === 'tables' ? 'tables are no flag of the library' : `unknown flag '${name}'`,
        name === 'tables' ? 'give them as `tables`' : knownNames('flags', name, UP_FLAGS),
      )
  const flags = typedWords(typed)
  const config = readConfig({ flags, environment, folder })
  const ready = Promise.withResolvers<Session>()
  const closing = Promise.withResolvers<void>()
  const ended = openSession(
    config,
    tables,
    () => {},
    async (session) => {
      ready.resolve(session)
      await closing.promise
    },
  )
  ended.catch(ready.reject)
  const session = await ready.promise
  const workspace: Workspace = {
    network: session.workspace.network.name,
    tables: session.workspace.chosen.map(({ key }) => key),
    warnings: config.warnings,
    async close() {
      closing.resolve()
      await ended
    },
  }
  opened.set(workspace, { session, config, flags })
  return workspace
}

export type UpHooks = {
  /** Called with each event, in the order in which things happen. */
  readonly report?: (event: RunEvent) => void
  /** Lets running chunks finish and starts no more. */
  readonly signal?: AbortSignal
}

/**
 * Processes every missing block, as `backfill up` does: with the same locks, ledger and checks.
 *
 * @example
 * const summary = await up(workspace, { maxRuntimeMs: 3_300_000, report: ({ type }) => log(type) })
 * @throws BackfillError where `backfill up` ends before its first chunk; later failures are in `failed` of the summary
 */
export async function up(
  workspace: Workspace,
  { report = () => {}, signal = new AbortController().signal, ...options }: Partial<UpOptions> & UpHooks = {},
): Promise<RunSummary> {
  const { session, ...typed } = openedOf(workspace)
  const defaults = upOptions(typed)
  assertOptions(options, defaults)
  return await run(session.workspace, { ...defaults, ...options }, { report, signal })
}

/**
 * The state of every table, as `backfill status` shows it. Reads only.
 *
 * @example
 * const late = (await status(workspace)).tables.filter(({ state }) => state !== 'up to date')
 * @throws BackfillError `server`
 */
export async function status(workspace: Workspace): Promise<StatusReport> {
  const { session, config } = openedOf(workspace)
  const ages = openAges(session.connected.sources)
  return await readStatus(session.workspace, { lag: config.lag.value, ages })
}

/** @throws TypeError for anything that `openWorkspace` has not made */
function openedOf(workspace: Workspace): Opened {
  const found = opened.get(workspace)
  if (found === undefined) throw new TypeError('this is no workspace of openWorkspace()')
  return found
}
