// Owns the preparation of a run: tables created, their status, costs of earlier chunks, slots.
import { POLICY_HINT } from '../clickhouse/row-policies.ts'
import type { BackfillError } from '../model/errors.ts'
import type { TableBehind } from '../clickhouse/tables-behind.ts'
import { createTables } from './create-tables.ts'
import type { Lock } from '../lock/lock.ts'
import type { BlockSet } from '../model/blocks.ts'
import { namesRead } from '../model/choose.ts'
import { NO_PACE, NOTHING_KNOWN, readRunHistory } from '../planning/sizing.ts'
import type { UpOptions } from '../planning/run-options.ts'
import { makeSharing } from './shared-chunks.ts'
import type { RetryPolicy } from '../clickhouse/retry.ts'
import { startTable } from './table-run.ts'
import { watchNodes } from './node-watch.ts'
import { roomWatch } from './room.ts'
import { openInsertSlots } from './slots.ts'
import { makeThrottle } from './throttle.ts'
import { sayOutside } from './say-outside.ts'
import { checkSourceDatabase } from '../planning/other-source.ts'
import { overdueSeconds, readTableStatuses, type TableStatus, uuidsIn } from '../planning/table-status.ts'
import { makeProbe, NOTHING_FOUND } from '../planning/probe.ts'
import { type Kept, readKept, withInherited } from '../planning/probe-missing.ts'
import type { Workspace } from './workspace.ts'
import type { RunEvent } from './events.ts'
import type { SourcePart } from '../ledger/findings.ts'
import { wallClock } from '../seam/clock.ts'
import { randomId } from '../seam/random.ts'

/** Preparations of the caller, by table key. */
export type Prepared = {
  /** Blocks to run, if they are missing; `from` and `to` of the options are ignored then. */
  readonly blocks: ReadonlyMap<string, BlockSet>
  /** Blocks up to here are expected, whatever the sources hold. */
  readonly head: number
  /** Locks that are held already; they are released at the end. */
  readonly locks: ReadonlyMap<string, Lock>
}

/** Whatever a finding may be wrong for, a run of the next hour finds out by itself. */
const LOOK_AGAIN_SECONDS = 3600

/** Misses blocks below some that are done: an earlier run has looked at them. */
function missesEarlier({ missing, covered }: TableStatus): boolean {
  const [first, last] = [missing[0], covered.at(-1)]
  return first !== undefined && last !== undefined && first.from < last.to
}

export type RunContext = Awaited<ReturnType<typeof prepareRun>>

/** Warns of row policies that hide rows of sources, look-ups, derived inputs, or of the tables themselves from the user; and of sources of which FINAL merges not all rows. */
async function reportRows(
  { chosen, catalogue, ports }: Workspace,
  behind: readonly TableBehind[],
  report: (event: RunEvent) => void,
): Promise<void> {
  const found = [...(await ports.source.keptApart(behind)), ...(await ports.ownOfNodes(chosen))]
  for (const { source, sentence, hint } of found) {
    const reader = chosen.find((one) => namesRead([one], catalogue).source.includes(source))
    report({ type: 'warning', table: reader?.key, text: `${sentence}; ${hint}` })
  }
  const names = namesRead(chosen, catalogue)
  for (const side of ['source', 'target'] as const)
    for (const { table, sentence } of await ports[side].policies(names[side])) {
      const reader = chosen.find((one) => namesRead([one], catalogue)[side].includes(table))
      report({ type: 'warning', table: reader?.key, text: `${sentence}: ${POLICY_HINT}` })
    }
}

/** @throws BackfillError `usage` if files and servers do not fit, `server` if one is unreachable */
export async function prepareRun(
  workspace: Workspace,
  options: UpOptions,
  hooks: { readonly report: (event: RunEvent) => void; readonly signal: AbortSignal },
  prepared: Prepared | undefined,
) {
  const runId = randomId()
  const tables = workspace.chosen.map(({ key }) => key)
  const outside = sayOutside(hooks.report, (says, reason) =>
    workspace.ports.runReports.say({ runId, tables, says, reason }),
  )
  const { signal } = hooks
  const { report } = outside
  report({ type: 'run', runId, network: workspace.network.name, ...workspace.addresses })
  const misfits = new Map<string, BackfillError>()
  const onMisfit = (key: string, error: BackfillError) => void misfits.set(key, error)
  const { tables: there, behind, present, check } = await createTables(workspace, onMisfit)
  for (const { table, target, created } of there) if (created) report({ type: 'created', table, target })
  const { from = 0, to = Number.MAX_SAFE_INTEGER } = options
  const tableStatuses = await readTableStatuses(workspace, {
    lag: options.lag,
    forcedHead: prepared?.head ?? options.to,
    present,
  })
  // What a person builds again may be meant.
  if (prepared === undefined && !options.newSource) checkSourceDatabase(workspace, tableStatuses, onMisfit)
  // Reads every lock's comment now, so that all locks of a dead run become stale at the same time.
  await workspace.ports.locks.holders()
  const uuids = uuidsIn(tableStatuses)
  const chosen = [...tableStatuses].filter(([key]) => workspace.chosen.some((table) => table.key === key))
  const definitions = [...tableStatuses.values()].map(({ table }) => table)
  const sources = [...new Set(definitions.flatMap((table) => table.sources))]
  let parts: Promise<readonly SourcePart[] | undefined> | undefined
  const partsBefore = async (): Promise<readonly SourcePart[] | undefined> =>
    sources.length === 0
      ? undefined
      : await (parts ??= workspace.ports.source.parts(sources).catch(() => undefined))
  // New blocks alone are always looked at: no question is spent on what is known of them.
  const isLookedAt = [...tableStatuses.values()].some(missesEarlier)
  const found = isLookedAt ? await readKept(workspace, tableStatuses, partsBefore) : new Map<string, Kept>()
  const kept = new Map([...found].filter(([, { seconds }]) => seconds < LOOK_AGAIN_SECONDS))
  const own = new Map([...tableStatuses.keys()].map((key) => [key, kept.get(key) ?? NOTHING_FOUND]))
  const left = withInherited(tableStatuses, own)
  const idle = chosen.every(([key, { dirty }]) => left.get(key)!.runnable.length === 0 && dirty.length === 0)
  // Where nothing runs and no SQL is new, an earlier run has described the same files; of hundreds of tables that would be most of an idle run.
  if (!idle || chosen.some(([, { stale }]) => stale.length > 0)) {
    await check?.()
    for (const table of workspace.chosen)
      if (!options.noAudits && !misfits.has(table.key)) await workspace.ports.executor.describeAudits(table)
  }
  // Not for an idle run that misses nothing but source gaps: each question is a round trip.
  const isHealthy =
    idle && chosen.every(([key, { absences }]) => absences.length + left.get(key)!.incomplete.length === 0)
  const [{ capacity, throughputs }] = await Promise.all([
    idle ? NOTHING_KNOWN : readRunHistory(workspace, uuids),
    isHealthy ? undefined : reportRows(workspace, behind, report),
  ])
  const throttle = makeThrottle(workspace, options, capacity, report)
  if (!idle) await throttle.look()
  const runs = new Map(
    chosen.map(([key, tableStatus]) => [
      key,
      startTable(tableStatus, {
        throughput: throughputs.get(key) ?? NO_PACE,
        wanted: prepared === undefined ? [{ from, to }] : (prepared.blocks.get(key) ?? []),
        kept: own.get(key)!,
        overdue: overdueSeconds(tableStatus, definitions, wallClock()),
        lock: prepared?.locks.get(key),
      }),
    ]),
  )
  const retryPolicy: RetryPolicy = {
    giveUpMs: options.giveUpMs,
    signal,
    unreachable(server) {
      const standstill =
        server === undefined
          ? undefined
          : ({ reason: 'unreachable', server, giveUpMs: options.giveUpMs } as const)
      report({ type: 'standstill', table: undefined, standstill })
    },
    deleting(what) {
      const standstill = what === undefined ? undefined : ({ reason: 'delete', found: what } as const)
      report({ type: 'standstill', table: undefined, standstill })
    },
  }
  return {
    ports: workspace.ports,
    network: workspace.network,
    catalogue: workspace.catalogue,
    options,
    throttle,
    sayEnded: outside.ended,
    capacity,
    runId,
    probeBlocks: makeProbe(workspace, partsBefore),
    /** The data parts of the sources before any block was found that cannot run; asked once. */
    partsBefore,
    /** Table key -> what was not looked at again. */
    kept,
    runs,
    slots: openInsertSlots(throttle),
    sharing: makeSharing(runs, throttle.slotsOf, throttle.most()),
    /** Of the chosen tables and of those that they read. */
    tableStatuses,
    /** Table key -> UUID of its target. */
    uuids,
    /** Table key -> why its target, which is not as its file says, cannot take its rows. */
    misfits,
    /** Query ids of the INSERTs under way. */
    inFlight: new Set<string>(),
    /** Resolves when the target's disks have room (room.ts). */
    room: roomWatch(options, signal, () =>
      workspace.ports.target.freeSpace(workspace.chosen.map(({ target }) => target)),
    ),
    signal,
    retryPolicy,
    /** What goes on beside the chunks; the returned function ends it. */
    watch() {
      const endNodes = watchNodes(workspace.ports.queries, retryPolicy)
      const ends = [throttle.watch(), outside.watch()]
      return async () => {
        endNodes()
        for (const end of ends) await end()
      }
    },
    report,
  }
}
