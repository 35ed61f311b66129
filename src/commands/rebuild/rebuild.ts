// Owns the rebuild of a table: it builds a new table beside the old one, checks it, and exchanges the two atomically.
// Each step can be killed at any moment; the next call finds by names and UUIDs where to continue.
import { randomId } from '../../seam/random.ts'
import { BackfillError, EXIT, usageError } from '../../model/errors.ts'
import type { TableDefinition } from '../../model/model.ts'
import { planUp } from '../../planning/plan.ts'
import { assertStillThere, builtTable, carryAccepted, changedSince, forcedHead, viewOf } from './checks.ts'
import { changeTables, finishSwap, queueRun, readSides, type Sides, swap } from './swap.ts'
import {
  buildingName,
  buildOf,
  type RebuildOptions,
  type Rebuilding,
  withLock,
  workspaceOf,
} from './workspace.ts'
import { takeLock } from '../../ledger/run-reports.ts'
import { hintOf, staleBlocks } from '../../ledger/stale.ts'
import { type BlockSet, namedBlocks } from '../../model/blocks.ts'
import { forksText } from '../../planning/stale-ranges.ts'
import { readTableStatuses } from '../../planning/table-status.ts'
import type { RunSummary } from '../../runner/events.ts'
import type { Workspace } from '../../runner/workspace.ts'
import { up, type UpHooks } from '../../runner/up.ts'
import type { Connected } from '../../workspace/connect.ts'
import { verifyCode } from '../verify/render.ts'
import { verify, type VerifyReport } from '../verify/verify.ts'

/** @throws BackfillError `usage`; `locked`; `failed` if blocks would be lost. The old table is unchanged then. */
export async function rebuild(
  workspace: Workspace,
  ports: Connected,
  options: RebuildOptions,
  hooks: UpHooks,
): Promise<RebuildReport> {
  const table = workspace.chosen[0]!
  const { key } = table
  await readSides(workspace, ports.target, table)
  const { target } = workspace.ports
  const ledger = await target.ledgerState()
  if (ledger !== 'ready') await target.prepare(workspace.catalogue.ledger)
  const note = (text: string) => hooks.report({ type: 'note', table: key, text })
  const run = { runId: randomId(), tables: [key] }
  const taking = { key, ...run, command: 'rebuild', waitMs: options.up.lockWaitMs, note }
  const lock = await takeLock(workspace.ports, taking)
  try {
    // They would hang in the old table for ever: its next name is not one that a run looks at.
    if (lock.inherited) await workspace.ports.executor.endDeletions(table, lock)
    return await rebuildLocked({ workspace, ports, table, options, hooks, lock, note })
  } finally {
    await lock.release()
  }
}

/** The plan of `rebuild`. Reads only. @throws BackfillError as `rebuild` does before it begins */
export async function planRebuild(workspace: Workspace, ports: Connected, options: RebuildOptions) {
  const table = workspace.chosen[0]!
  const sides = await readSides(workspace, ports.target, table)
  if (!options.dropOld) assertNothingKept(table, sides)
  const building = buildOf(table, sides.present.uuid)
  return {
    sides,
    plan: await planUp(workspaceOf(workspace, table, building), { ...options.up, newSource: true }),
  }
}

export type RebuildPlan = Awaited<ReturnType<typeof planRebuild>>

async function rebuildLocked(rebuilding: Rebuilding): Promise<RebuildReport> {
  const { workspace, ports, table, options, hooks, lock, note } = rebuilding
  await queueRun(ports.target)
  const sides = await readSides(workspace, ports.target, table)
  const [replaced] = sides.replaced
  if (replaced !== undefined) {
    const kept = await finishSwap(ports.target, table, replaced)
    return await ended(rebuilding, { outcome: 'finished', old: [...sides.old.map(({ name }) => name), kept] })
  }
  if (options.dropOld && sides.old.length > 0)
    return await ended(rebuilding, { outcome: 'dropped', old: sides.old.map(({ name }) => name) })
  assertNothingKept(table, sides)

  const build = buildOf(table, sides.present.uuid)
  const name = buildingName(build)
  const building = workspaceOf(withLock(workspace, lock), table, build)
  await assertStillThere(rebuilding, sides.present.uuid)
  await clearAway(rebuilding, sides, building)

  const to = await forcedHead(rebuilding, building, sides.present.uuid)
  const summary = await up(building, { ...options.up, from: undefined, to, lockSkip: false }, hooks)
  const unchanged = { ...reportOf(rebuilding), summary }
  if (summary.failed.length > 0 || summary.interrupted || summary.outOfTime)
    return { ...unchanged, outcome: 'incomplete' }
  await carryAccepted(rebuilding, { name, old: sides.present.uuid, runId: summary.runId })

  note('computing a sample of the new table again')
  const verification = await verify(
    building,
    ports,
    { ...options.up, ...options, from: undefined, to: undefined },
    { report: () => {}, signal: hooks.signal },
  )
  if (hooks.signal.aborted) return { ...unchanged, outcome: 'incomplete', verification }
  if (verifyCode(verification) === EXIT.different) return { ...unchanged, outcome: 'different', verification }

  const old = await finishSwap(ports.target, table, await swap(rebuilding, build))
  return { ...(await ended(rebuilding, { outcome: 'swapped', old: [old] })), summary, verification }
}

function reportOf({ workspace, table }: Rebuilding) {
  const target = `${workspace.ports.target.database}.${table.target}`
  const nothing = {
    summary: undefined,
    verification: undefined,
    kept: undefined,
    dropped: [],
    dependants: [],
  }
  return { table: table.key, target, ...nothing }
}

/** The last steps where the tables are exchanged: drop the old table if requested, and find what was computed from it. */
async function ended(
  rebuilding: Rebuilding,
  { outcome, old }: { readonly outcome: 'swapped' | 'finished' | 'dropped'; readonly old: readonly string[] },
): Promise<RebuildReport> {
  const { workspace, ports, table, options } = rebuilding
  // What a dead rebuild's late RENAME has kept from being found before.
  await dropStray(rebuilding, await readSides(workspace, ports.target, table))
  if (options.dropOld) for (const name of old) await changeTables(ports.target, 'dropping', name)
  const dependants = await staleDependants(rebuilding)
  const outcomeOfOld = options.dropOld ? { dropped: old } : { kept: old[0] }
  return { ...reportOf(rebuilding), outcome, ...outcomeOfOld, dependants }
}

/** The ranges that dependants computed from the old table. An error becomes a note, because the exchange is done. */
async function staleDependants(rebuilding: Rebuilding): Promise<readonly StaleDependant[]> {
  const { workspace, table, options, note } = rebuilding
  const chosen = workspace.catalogue.tables.filter(({ after }) => after.includes(table.key))
  if (chosen.length === 0) return []
  try {
    const { lag } = options.up
    const statuses = await readTableStatuses({ ...workspace, chosen }, { lag })
    return chosen.flatMap((dependant) => {
      const { stale } = statuses.get(dependant.key)!
      const blocks = staleBlocks(stale.filter(({ reasons }) => reasons.includes('inputs')))
      return blocks.length === 0
        ? []
        : [{ table: dependant.key, blocks, hint: hintOf(dependant, workspace.catalogue.tables) }]
    })
  } catch (error) {
    if (!(error instanceof BackfillError)) throw error
    note(`${error.message}; \`backfill status\` shows which tables were computed from the old one`)
    return []
  }
}

function assertNothingKept({ key }: TableDefinition, { old }: Sides): void {
  const [kept] = old
  if (kept !== undefined)
    throw usageError(
      `${kept.name}, which an earlier rebuild of ${key} has replaced, is still kept`,
      `\`backfill rebuild ${key} --drop-old\` drops it and does nothing else`,
    )
}

async function dropStray({ ports, note }: Rebuilding, { stray }: Sides): Promise<void> {
  for (const { name } of stray) {
    note(`dropping ${name}: it was built to replace a table that no longer exists`)
    await changeTables(ports.target, 'dropping', name)
  }
}

/** Drops useless tables, and renames a table that was ready for an EXCHANGE back to its building name. */
async function clearAway(rebuilding: Rebuilding, sides: Sides, building: Workspace): Promise<void> {
  const { ports, workspace, table, lock, note } = rebuilding
  const { built } = sides
  const name = building.chosen[0]!.target
  await dropStray(rebuilding, sides)
  for (const one of built) {
    const view = await viewOf(workspace, table.key, one.uuid)
    // If there are two, the ready table is the complete one.
    const ready = built.some((other) => other.name !== name && other.name.startsWith(name))
    const other =
      (one.name === name && ready) ||
      view?.islands.some(
        ({ state, sqlHash, forks }) =>
          state === 'done' && (sqlHash !== table.sqlHash || forks !== forksText(table, workspace)),
      )
    if (one.name.startsWith(name) && !other) {
      if (one.name !== name) await changeTables(ports.target, 'renaming', one.name, name)
      const changed = await changedSince(rebuilding, building, one.uuid)
      const { noDeletes, sharding } = await builtTable(rebuilding, name)
      const isMoved = sharding !== undefined && (await workspace.ports.target.misplacedRows(sharding)) > 0
      // Single blocks of it can be built again; else it is begun anew.
      const isMendable =
        table.rows.kind === 'per-block' && table.sequential !== 'itself' && noDeletes === undefined
      if (isMoved || (changed.length > 0 && !isMendable)) {
        note(
          isMoved
            ? `dropping ${name}: its rows are on other shards than those on which its sharding key puts them now`
            : `dropping ${name}: what ${namedBlocks(changed)} of it were computed from has changed since`,
        )
        await changeTables(ports.target, 'dropping', name)
        continue
      }
      note(
        `continuing an earlier rebuild${changed.length > 0 ? `; ${namedBlocks(changed)} of it are built again, because their rows have changed since` : ''}`,
      )
      // From now on these blocks count as half written: the run deletes them and builds them again.
      const declared = { targetUuid: one.uuid, runId: randomId(), sqlHash: table.sqlHash }
      await workspace.ports.ledger.appendEach(lock, { event: 'invalidated', blocks: changed, ...declared })
    } else {
      note(
        `dropping ${one.name}: it was started with another version of the file or of a fork, or cannot be reused`,
      )
      await changeTables(ports.target, 'dropping', one.name)
    }
  }
}

export type RebuildReport = {
  readonly table: string
  readonly target: string
  /**
   * `swapped`: the new table is in place. `finished`: it was already in place, because an earlier call was killed after
   * the exchange. `dropped`: only the old table of an earlier rebuild was dropped. `incomplete`: some blocks could not
   * be built. `different`: the new table differs from a new computation. In the last two the old table is unchanged.
   */
  readonly outcome: 'swapped' | 'finished' | 'dropped' | 'incomplete' | 'different'
  readonly summary: RunSummary | undefined
  readonly verification: VerifyReport | undefined
  readonly kept: string | undefined
  readonly dropped: readonly string[]
  readonly dependants: readonly StaleDependant[]
}

type StaleDependant = { readonly table: string; readonly blocks: BlockSet; readonly hint: string }
