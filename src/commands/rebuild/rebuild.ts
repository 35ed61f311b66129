// Owns the rebuild of a table: it builds a new table beside the old one, checks it, and exchanges the two atomically.
// Each step can be killed at any moment; the next call finds by names and UUIDs where to continue.
import { BackfillError, usageError } from '../../model/errors.ts'
import type { TableDefinition } from '../../model/model.ts'
import { planUp } from '../../planning/plan.ts'
import { carryAccepted, forcedHead, assertStillThere } from './checks.ts'
import { buildingName } from './names.ts'
import type { RebuildOptions, RebuildReport } from './report.ts'
import { finishSwap, readSides, type Sides } from './swap.ts'
import { swap } from './swap.ts'
import { buildOf, lend, withLock, workspaceOf } from './workspace.ts'
import type { RebuildPorts, Rebuilding } from './workspace.ts'
import type { PlanReport } from '../../planning/plan.ts'
import { up, type UpHooks } from '../../runner/up.ts'
import { verify } from '../verify/verify.ts'
import type { VerifyReport } from '../verify/report.ts'
import { type SourcesCheck, verifySources } from '../verify/sources.ts'
import type { Workspace } from '../../runner/workspace.ts'

/**
 * Rebuilds a table of one server from its current files, DDL and transform.
 * @throws BackfillError `usage` if there is nothing to rebuild, or an old table is still kept; `locked`; `failed` if
 *   the new table would lack blocks of the old one. The old table is then unchanged.
 */
export async function rebuild(
  workspace: Workspace,
  ports: RebuildPorts,
  options: RebuildOptions,
  hooks: UpHooks,
): Promise<RebuildReport> {
  const [table] = workspace.chosen
  const { key } = table!
  await prepare(workspace, ports, table!)
  const note = (text: string) => hooks.report({ type: 'note', table: key, text })
  const lock = await workspace.ports.locks.acquire(key, note, options.up.lockWaitMs)
  try {
    return await rebuildLocked({ workspace, ports, table: table!, options, hooks, lock: lend(lock), note })
  } finally {
    await lock.release()
  }
}

/** The existing tables of the target. @throws BackfillError `usage` if there is nothing to rebuild */
export async function planSides(workspace: Workspace, { rebuild: port }: RebuildPorts): Promise<Sides> {
  return await readSides(workspace, port, workspace.chosen[0]!)
}

/** The plan of `rebuild`. Reads only. @throws BackfillError as `rebuild` does before it begins */
export async function planRebuild(
  workspace: Workspace,
  ports: RebuildPorts,
  options: RebuildOptions,
): Promise<{ readonly sides: Sides; readonly plan: PlanReport }> {
  const table = workspace.chosen[0]!
  const sides = await readSides(workspace, ports.rebuild, table)
  await assertRebuildable(workspace, ports, table)
  if (!options.dropOld) assertNothingKept(table, sides)
  const building = buildOf(table, sides.present.uuid)
  return { sides, plan: await planUp(workspaceOf(workspace, table, building), options.up) }
}

async function rebuildLocked(rebuilding: Rebuilding): Promise<RebuildReport> {
  const { workspace, ports, table, options, hooks, lock, note } = rebuilding
  const sides = await readSides(workspace, ports.rebuild, table)
  const [replaced] = sides.replaced
  if (replaced !== undefined) {
    const kept = await finishSwap(ports.rebuild, table, replaced)
    return await ended(rebuilding, { outcome: 'finished', old: [...sides.old.map(({ name }) => name), kept] })
  }
  if (options.dropOld && sides.old.length > 0)
    return await ended(rebuilding, { outcome: 'dropped', old: sides.old.map(({ name }) => name) })
  assertNothingKept(table, sides)

  const build = buildOf(table, sides.present.uuid)
  const name = buildingName(build)
  const building = workspaceOf(withLock(workspace, lock), table, build)
  await assertStillThere(rebuilding, sides.present.uuid)
  await clearAway(rebuilding, sides, name)

  const to = await forcedHead(rebuilding, building, sides.present.uuid)
  const summary = await up(building, { ...options.up, from: undefined, to, lockSkip: false }, hooks)
  const rest = {
    table: table.key,
    target: `${workspace.ports.target.database}.${table.target}`,
    summary,
    kept: undefined,
  }
  if (summary.failed.length > 0 || summary.interrupted || summary.outOfTime)
    return { ...rest, outcome: 'incomplete', verification: undefined, dropped: [], dependants: [] }
  await carryAccepted(rebuilding, { name, old: sides.present.uuid, runId: summary.runId })

  note('computing a sample of the new table again')
  const verification = await verify(
    building,
    ports,
    { ...options.up, ...options, from: undefined, to: undefined },
    { report: () => {}, signal: hooks.signal },
  )
  if (hooks.signal.aborted)
    return { ...rest, outcome: 'incomplete', verification, dropped: [], dependants: [] }
  if (!isGood(verification))
    return { ...rest, outcome: 'different', verification, dropped: [], dependants: [] }

  const old = await finishSwap(ports.rebuild, table, await swap(rebuilding, build))
  return { ...(await ended(rebuilding, { outcome: 'swapped', old: [old] })), summary, verification }
}

/** The last steps of every outcome: drop the old table if requested, and mark dependants as stale. */
async function ended(
  { workspace, ports, table, options, hooks, note }: Rebuilding,
  { outcome, old }: { readonly outcome: 'swapped' | 'finished' | 'dropped'; readonly old: readonly string[] },
): Promise<RebuildReport> {
  if (options.dropOld) for (const name of old) await ports.rebuild.drop(name)
  const dependants = await markDependants({ workspace, ports, table, options, hooks, note })
  return {
    table: table.key,
    target: `${workspace.ports.target.database}.${table.target}`,
    outcome,
    summary: undefined,
    verification: undefined,
    kept: options.dropOld ? undefined : old[0],
    dropped: options.dropOld ? old : [],
    dependants,
  }
}

/** Marks dependants' ranges from the old table as stale. Errors become notes, because the exchange is already done. */
async function markDependants({
  workspace,
  ports,
  table,
  hooks,
  note,
}: Omit<Rebuilding, 'lock'>): Promise<readonly SourcesCheck[]> {
  const dependants = workspace.catalogue.tables.filter(({ after }) => after.includes(table.key))
  try {
    const there = await workspace.ports.target.tables(dependants.map(({ target }) => target))
    return await verifySources(
      { ...workspace, chosen: dependants.filter(({ target }) => there.has(target)) },
      ports,
      { dryRun: false },
      { signal: hooks.signal, note: (_, text) => note(text) },
    )
  } catch (error) {
    if (!(error instanceof BackfillError)) throw error
    const names = dependants.map(({ key }) => key).join(' ')
    note(`${error.message}; later: backfill verify --sources ${names}`)
    return []
  }
}

async function prepare(workspace: Workspace, ports: RebuildPorts, table: TableDefinition): Promise<void> {
  await readSides(workspace, ports.rebuild, table)
  await assertRebuildable(workspace, ports, table)
  const { target } = workspace.ports
  const ledger = await target.ledgerState()
  if (ledger === 'absent') await target.prepare(workspace.catalogue.ledger)
  if (ledger === 'old') await target.prepare(workspace.catalogue.ledgerUpgrade)
}

async function assertRebuildable(
  { ports: { target } }: Workspace,
  { rebuild: port }: RebuildPorts,
  table: TableDefinition,
): Promise<void> {
  const { engine } = (await target.tables([table.target])).get(table.target)!
  if (/^(Replicated|Distributed|Shared)/.test(engine))
    throw usageError(`${table.key} has the engine ${engine}: rebuild works on single servers only`)
  const database = await port.databaseEngine()
  if (database !== 'Atomic')
    throw usageError(
      `the database ${target.database} has the engine ${database}, which cannot exchange tables`,
      'Move the derived tables into a database with the engine Atomic',
    )
}

function assertNothingKept({ key }: TableDefinition, { old }: Sides): void {
  const [kept] = old
  if (kept !== undefined)
    throw usageError(
      `${kept.name}, which an earlier rebuild of ${key} has replaced, is still kept`,
      `backfill rebuild ${key} --drop-old drops it and does nothing else`,
    )
}

/** Drops useless tables, and renames a table that was ready for an EXCHANGE back to its building name. */
async function clearAway(
  { ports, workspace, table, note }: Rebuilding,
  { built, stray }: Sides,
  name: string,
): Promise<void> {
  for (const { name: useless } of stray) {
    note(`dropping ${useless}: it was built to replace a table that no longer exists`)
    await ports.rebuild.drop(useless)
  }
  for (const one of built) {
    const islands =
      (await workspace.ports.ledger.fold(new Map([[table.key, one.uuid]]))).get(table.key)?.islands ?? []
    // If there are two, the ready table is the complete one.
    const ready = built.some((other) => other.name !== name && other.name.startsWith(name))
    const other =
      (one.name === name && ready) ||
      islands.some(({ state, sqlHash }) => state === 'done' && sqlHash !== table.sqlHash)
    if (one.name.startsWith(name) && !other) {
      if (one.name !== name) await ports.rebuild.rename(one.name, name)
      note('continuing an earlier rebuild')
    } else {
      note(`dropping ${one.name}: it was started with another version of the file, or cannot be reused`)
      await ports.rebuild.drop(one.name)
    }
  }
}

function isGood({ tables }: VerifyReport): boolean {
  return tables.every(({ comparisons }) =>
    comparisons.every(
      ({ outcome, why }) => outcome === 'same' || (outcome === 'different' && why !== undefined),
    ),
  )
}
