// Owns what a run knows before it starts: tables created, where they stand, what the past says, slots.
import { randomUUID } from 'node:crypto'
import { createTables } from './create-tables.ts'
import type { Lock } from '../lock/lock.ts'
import type { BlockSet } from '../model/blocks.ts'
import { NO_PACE } from '../planning/throughput.ts'
import type { RunEvent } from './events.ts'
import type { UpOptions } from '../planning/run-options.ts'
import { makeSharing, type Sharing } from './shared-chunks.ts'
import { NOTHING_KNOWN, readPast, slotsFor } from '../planning/sizing.ts'
import { readStandings, type Standing, targetsOf, uuidsOf } from '../planning/table-status.ts'
import { makeSurveyor } from '../planning/survey.ts'
import { type RunContext, startTable } from './table-run.ts'
import type { World } from './world.ts'

/** What a caller has prepared, by table key. */
export type Prepared = {
  /** Blocks to run, if they are missing; `from` and `to` of the options say nothing then. */
  readonly blocks: ReadonlyMap<string, BlockSet>
  /** Blocks up to here are owed, whatever the sources say. */
  readonly head: number
  /** Locks that are held already; they are released at the end. */
  readonly locks: ReadonlyMap<string, Lock>
}

export type PreparedRun = {
  readonly context: RunContext
  /** Of the chosen tables and of those that they read. */
  readonly standings: ReadonlyMap<string, Standing>
  readonly sharing: Sharing
}

/** @throws BackfillError `usage` where files and servers do not fit, `server` where one is away */
export async function prepareRun({
  world,
  options,
  report,
  signal,
  prepared,
}: {
  readonly world: World
  readonly options: UpOptions
  readonly report: (event: RunEvent) => void
  readonly signal: AbortSignal
  readonly prepared: Prepared | undefined
}): Promise<PreparedRun> {
  for (const { table, target, created } of await createTables(world))
    if (created) report({ type: 'created', table, target })

  const { from = 0, to = Number.MAX_SAFE_INTEGER } = options
  const standings = await readStandings(world, {
    lag: options.lag,
    forcedHead: prepared?.head ?? options.to,
  })
  // Remembers every lock's comment now, so that all locks of a dead run are known to be stale at the same time.
  await world.ports.locks.holders()
  const targets = targetsOf(standings)
  const uuids = uuidsOf(
    [...standings.values()].map(({ table }) => table),
    targets,
  )
  const chosen = [...standings].filter(([key]) => world.chosen.some((table) => table.key === key))
  const idle = chosen.every(([, { missing, dirty }]) => missing.length === 0 && dirty.length === 0)
  const { capacity, paces } = idle ? NOTHING_KNOWN : await readPast(world, uuids)
  const slots = slotsFor(options, capacity)
  const runs = new Map(
    chosen.map(([key, standing]) => [
      key,
      startTable(standing, paces.get(key) ?? NO_PACE, {
        wanted: prepared === undefined ? [{ from, to }] : (prepared.blocks.get(key) ?? []),
        lock: prepared?.locks.get(key),
      }),
    ]),
  )
  const sharing = makeSharing({ runs, tableJobs: slots.tableJobs, waiting: slots.jobs })
  const context: RunContext = {
    ports: world.ports,
    network: world.network.name,
    options,
    slots,
    capacity,
    runId: randomUUID(),
    survey: makeSurveyor(world),
    runs,
    settle: sharing.settle,
    targets,
    uuids,
    inFlight: new Set(),
    signal,
    patience: { giveUpMs: options.giveUpMs, signal },
    report,
  }
  return { context, standings, sharing }
}
