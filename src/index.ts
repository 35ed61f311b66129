// Owns the library: what `backfill up` and `backfill status` do, for programs that schedule by themselves. It prints nothing,
// ends no process and takes no signal.
import { status as readStatus } from './commands/status/status.ts'
import type { StatusReport } from './commands/status/table-report.ts'
import { COMMANDS } from './cli/commands.ts'
import { usageError, knownNames } from './model/errors.ts'
import type { UpOptions } from './planning/run-options.ts'
import type { RunEvent, RunSummary } from './runner/events.ts'
import { up as run } from './runner/up.ts'
import { openAges } from './sources/ages.ts'
import { type Config, readConfig } from './workspace/config.ts'
import { openWorkspace as openSession, type Session } from './workspace/open.ts'
import { areTexts, assertPositions, withDefaults, upOptions } from './workspace/run-options.ts'
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
  /** Waits for the calls that run, closes the connections, and stops the embedded server if it is used. */
  close(): Promise<void>
}

/** Of `backfill up`, without those of its output, of which there is none, and without those that choose tables. */
const UP_FLAGS = COMMANDS.find(({ name }) => name === 'up')!.flags.flatMap(({ name }) =>
  ['tables', 'exclude', 'dry-run', 'json', 'quiet', 'log-format', 'no-color', 'yes'].includes(name)
    ? []
    : [name],
)

type Opened = {
  readonly session: Session
  readonly config: Config
  readonly flags: Flags
  /** The calls that run, and whether more may begin. */
  readonly use: { readonly calls: Set<Promise<unknown>>; isClosed: boolean }
}

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
  if (!areTexts(tables)) throw usageError('`tables` must be an array of texts', "tables: ['gas_per_block']")
  if (typeof folder !== 'string') throw usageError('`folder` must be a text', 'give a path, not a URL')
  for (const [name, value] of Object.entries(typed)) {
    if (!UP_FLAGS.includes(name))
      throw usageError(
        name === 'tables' ? 'tables are no flag of the library' : `unknown flag '${name}'`,
        name === 'tables' ? 'give them as `tables`' : knownNames('flags', name, UP_FLAGS),
      )
    if (typeof value !== 'string')
      throw usageError(`the value of flag '${name}' must be a text, not ${String(value)}`, `${name}: '…'`)
  }
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
  const use = { calls: new Set<Promise<unknown>>(), isClosed: false }
  const workspace: Workspace = {
    network: session.workspace.network.name,
    tables: session.workspace.chosen.map(({ key }) => key),
    warnings: config.warnings,
    async close() {
      use.isClosed = true
      await Promise.allSettled(use.calls)
      closing.resolve()
      await ended
    },
  }
  opened.set(workspace, { session, config, flags, use })
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
  return await whileOpen(workspace, async ({ session, ...typed }) => {
    assertPositions(session.workspace.chosen, typed.flags)
    return await run(session.workspace, withDefaults(options, upOptions(typed)), { report, signal })
  })
}

/**
 * The state of every table, as `backfill status` shows it. Reads only.
 *
 * @example
 * const late = (await status(workspace)).tables.filter(({ state }) => state !== 'up to date')
 * @throws BackfillError `server`
 */
export async function status(workspace: Workspace): Promise<StatusReport> {
  return await whileOpen(workspace, async ({ session, config }) => {
    const ages = openAges(session.connected.sources)
    return await readStatus(session.workspace, { lag: config.lag.value, ages })
  })
}

/**
 * What `use` answers; `close` waits for it.
 * @throws TypeError for anything that `openWorkspace` has not made, BackfillError `usage` if it is closed
 */
async function whileOpen<T>(workspace: Workspace, use: (found: Opened) => Promise<T>): Promise<T> {
  const found = opened.get(workspace)
  if (found === undefined) throw new TypeError('this is no workspace of openWorkspace()')
  const { calls, isClosed } = found.use
  if (isClosed) throw usageError('the workspace is closed', 'call openWorkspace() again')
  const call = use(found)
  calls.add(call)
  try {
    return await call
  } finally {
    calls.delete(call)
  }
}
