// Owns playing one history: the program's own `up`, as often as the history starts it, on the simulated server; then, in
// a world where nothing fails any more, once more; and the judgement of what is left.
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { connectWorkspace } from '../../src/workspace/connect.ts'
import type { Catalogue } from '../../src/model/model.ts'
import { BackfillError } from '../../src/model/errors.ts'
import { readTableStatuses } from '../../src/planning/table-status.ts'
import { readCatalogue } from '../../src/project/sql-folder.ts'
import type { RunSummary } from '../../src/runner/events.ts'
import { up } from '../../src/runner/up.ts'
import type { Workspace } from '../../src/runner/workspace.ts'
import type { UpOptions } from '../../src/planning/run-options.ts'
import { OPTIONS } from '../support/workspace.ts'
import { type Act, type Fault, HEALED_MS, type History } from './acts.ts'
import { exactness, judge, staleness } from './judge.ts'
import { startServer } from './server.ts'
import { ledgerColumns } from './of-tables.ts'
import { type Runner, startTime } from './time.ts'
import type { Key } from './world.ts'

/** The three tables, with the ledger of the house. */
export async function readTables(): Promise<Catalogue> {
  const folder = mkdtempSync(join(tmpdir(), 'backfill-simulation-'))
  try {
    cpSync(path('sql'), folder, { recursive: true })
    cpSync(path('../../sql/ledger'), join(folder, 'ledger'), { recursive: true })
    return await readCatalogue(folder)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url))

export const catalogue = await readTables()
ledgerColumns(catalogue.ledger)

/** A healthy `up` ends within this. */
const ENDS_WITHIN_MS = 30 * 60_000
/** It says something at least so often. */
const SILENT_MS = 60_000

export type Played = {
  /** What was promised and did not hold; none: the history is fine. */
  readonly broken: readonly string[]
  readonly trace: readonly string[]
  /** How often each act and fault took place, and how runs ended. */
  readonly counts: ReadonlyMap<string, number>
}

/** `quietest`: the longest that it said nothing, in ms. */
type Run = { readonly runner: Runner; outcome: string | undefined; quietest: number }

export async function play({ seed, tables, acts, faults }: History): Promise<Played> {
  const time = startTime(seed)
  const counts = new Map<string, number>()
  const count = (what: string) => void counts.set(what, (counts.get(what) ?? 0) + 1)
  const seen = new Map<string, number>()
  const open = new Set(faults)
  const server = startServer(time, (name): Fault | undefined => {
    const nth = (seen.get(name) ?? 0) + 1
    seen.set(name, nth)
    if (time.now() > HEALED_MS) return undefined
    const fault = [...open].find((one) => one.statement === name && one.nth <= nth)
    if (fault === undefined) return undefined
    open.delete(fault)
    count(fault.fault)
    return fault
  })
  const { world } = server
  const runs: Run[] = []

  function start(host: string, options: Partial<UpOptions>): Run {
    let spokeAt = time.now()
    const speak = () => {
      run.quietest = Math.max(run.quietest, time.now() - spokeAt)
      spokeAt = time.now()
    }
    const { runner, result } = time.start(host, () =>
      withWorkspace(tables, (workspace) => {
        const hooks = { report: speak, signal: new AbortController().signal }
        return up(workspace, { ...OPTIONS, ...options }, hooks)
      }),
    )
    const run: Run = { runner, outcome: undefined, quietest: 0 }
    runs.push(run)
    server.said(`#${runner.pid} up on host ${host} ${JSON.stringify(options)}`)
    const ended = (outcome: string) => {
      speak()
      run.outcome = outcome
      // The process has ended, and its timers with it.
      runner.dead = true
      server.said(`#${runner.pid} has ended: ${outcome}`)
      count(`up: ${outcome.split(':')[0]}`)
      if (/was it truncated|was a partition dropped|of which this ledger knows nothing/.test(outcome))
        world.broken.push(`a run blames somebody who did nothing: ${outcome}`)
      if (outcome === 'ok') world.broken.push(...exactness(world, tables))
    }
    void result.then(
      (summary) => ended(outcomeOf(summary)),
      (error: unknown) => {
        const isMessage = error instanceof BackfillError
        if (!isMessage) world.broken.push(`the program threw what is no message: ${(error as Error).stack}`)
        ended(isMessage ? `${error.kind}: ${error.message}` : 'broken')
      },
    )
    return run
  }

  function perform(act: Act): void {
    if (act.act === 'up') return void start(act.host, { jobs: act.jobs, chunk: act.chunk })
    if (act.act === 'restart') {
      server.restart(act.ms)
      server.said(`the server restarts, and is away for ${act.ms} ms`)
    } else if (act.act === 'rewrite') {
      world.write(act.block)
      server.said(`block ${act.block} of the source is written again`)
    } else {
      const run = runs[act.runner]
      if (run === undefined || run.runner.dead) return
      if (act.act === 'kill') server.kill(run.runner)
      if (act.act === 'stop') run.runner.stoppedUntil = time.now() + act.ms
      if (act.act === 'jump') run.runner.ahead += act.ms
      if (act.act !== 'kill') server.said(`#${run.runner.pid} ${act.act} ${act.ms} ms`)
    }
    count(act.act)
  }

  try {
    for (const act of acts) time.later(act.at, () => perform(act), undefined)
    const last = Math.max(0, ...acts.map(({ at }) => at))
    const ended = () => runs.every(({ outcome, runner }) => outcome !== undefined || runner.dead)
    if (!(await time.until(() => time.now() >= last && ended(), HEALED_MS + ENDS_WITHIN_MS)) && !ended())
      world.broken.push('a run of the history has not ended half an hour after all faults')
    for (const { runner } of runs) runner.dead = true
    time.later(HEALED_MS + 1 - time.now(), () => {}, undefined)
    await time.until(() => time.now() > HEALED_MS, Infinity)

    server.heal()
    server.said('nothing fails any more')
    const run = start('three', {})
    const began = time.now()
    if (!(await time.until(() => run.outcome !== undefined, began + ENDS_WITHIN_MS)))
      world.broken.push('the last run has not ended after half an hour')
    else if (run.outcome !== 'ok') world.broken.push(`the last run failed: ${run.outcome}`)
    if (run.quietest > SILENT_MS)
      world.broken.push(`the last run was silent for ${Math.round(run.quietest / 1000)} s`)
    // Whatever was given up long ago arrives now.
    await time.until(() => false, Infinity)
    world.broken.push(...judge(world, tables, run.runner.pid))
    if (world.broken.length === 0 && tables.includes('echo')) {
      const status = time.start('three', () =>
        withWorkspace(tables, async (workspace) => readTableStatuses(workspace, { lag: 0 })),
      )
      let found: Awaited<typeof status.result> | undefined
      void status.result.then((statuses) => (found = statuses))
      await time.until(() => found !== undefined, Infinity)
      world.broken.push(...staleness(world, found!))
    }
  } finally {
    server.end()
    time.end()
  }
  return { broken: [...new Set(world.broken)], trace: server.trace, counts }
}

function outcomeOf({ failed, interrupted, outOfTime }: RunSummary): string {
  if (failed.length > 0)
    return `${failed[0]!.error.kind}: ${failed.map(({ table, error }) => `${table}: ${error.message}`).join('; ')}`
  return interrupted || outOfTime ? 'interrupted' : 'ok'
}

async function withWorkspace<T>(
  tables: readonly Key[],
  use: (workspace: Workspace) => Promise<T>,
): Promise<T> {
  const login = { url: 'http://simulated:8123', username: 'default', password: '' }
  const { workspace, close } = await connectWorkspace({
    source: { side: 'source', ...login, database: 'src' },
    target: { side: 'target', ...login, database: 'tgt' },
    ledgerDatabase: 'led',
    cluster: undefined,
    network: catalogue.networks[0]!,
    catalogue,
    chosen: catalogue.tables.filter(({ key }) => tables.includes(key as Key)),
    exclusive: false,
    toolVersion: 'test',
  })
  try {
    return await use(workspace)
  } finally {
    await close()
  }
}
