// Owns playing one history: the program's own `up`, as often as the history starts it, on the simulated server; then, in
// a world where nothing fails any more, once more; and the judgement of what is left.
import { BackfillError } from '../../src/model/errors.ts'
import { readTableStatuses } from '../../src/planning/table-status.ts'
import type { UpOptions } from '../../src/planning/run-options.ts'
import { type Act, type Fault, HEALED_MS, type History, MENDING, QUIET } from './acts.ts'
import { adoptAll, mend } from './afterwards.ts'
import {
  adoptWork,
  NO_MESSAGE,
  rebuildWork,
  redoWork,
  sourcesWork,
  staleWork,
  statusWork,
  upWork,
  type Work,
} from './commands.ts'
import { blames, exactness, judge, leftBehind, staleness } from './judge.ts'
import { openPeople } from './people.ts'
import { startServer } from './server.ts'
import { withWorkspace } from './tables.ts'
import { type Runner, startTime } from './time.ts'
import { BLOCKS, type Key } from './world.ts'

/** A healthy `up` ends within this. */
const ENDS_WITHIN_MS = 30 * 60_000
/** Whatever was given up long ago has arrived by then; only a mutation that fails is tried again for ever. */
const ARRIVES_WITHIN_MS = 60 * 60_000
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

export async function play({ seed, tables, isCreated, acts, faults }: History): Promise<Played> {
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
  if (isCreated) {
    world.hasLedger = true
    for (const name of tables) world.create(name)
  }
  const runs: Run[] = []
  const people = openPeople(world, server.said, () =>
    runs.some(({ outcome, runner }) => outcome === undefined && !runner.dead),
  )

  /** A process that does the work; `up` says that all blocks are done when it is. */
  function start(host: string, what: string, chosen: readonly Key[], work: Work): Run {
    const known = world.ledger.length
    let spokeAt = time.now()
    const speak = () => {
      run.quietest = Math.max(run.quietest, time.now() - spokeAt)
      spokeAt = time.now()
    }
    const { runner, result } = time.start(host, () =>
      withWorkspace(chosen, (workspace, connected) =>
        work(workspace, { report: speak, signal: new AbortController().signal }, connected),
      ),
    )
    const run: Run = { runner, outcome: undefined, quietest: 0 }
    runs.push(run)
    server.said(`#${runner.pid} ${what} on host ${host}`)
    const ended = (outcome: string) => {
      speak()
      run.outcome = outcome
      // The process has ended, and its timers with it.
      runner.dead = true
      server.said(`#${runner.pid} has ended: ${outcome}`)
      count(`${what.split(' ')[0]}: ${outcome.split(':')[0]}`)
      const table = world.targets.get(chosen[0]!)
      if (outcome === 'adopted as stale' && table !== undefined) world.explained.add(table.uuid)
      if (outcome.startsWith(NO_MESSAGE))
        world.broken.push(`the program threw what is no message: ${outcome}`)
      const isQuiet = !runner.hasMet && what.startsWith('up') && acts.every(({ act }) => QUIET.has(act))
      if (isQuiet && !/^(ok$|locked: )/.test(outcome))
        world.broken.push(`a run to which nothing happens ends with ${outcome}`)
      if (outcome === 'swapped') world.broken.push(...leftBehind(world, chosen[0]!))
      if (people.is.emptied) return
      world.broken.push(...blames(outcome, runner.pid, people.is.restored))
      // What a redo has taken out since it read the ledger, it could not know, however long before it began.
      const isTakenOut = world.ledger.slice(known).some(({ event }) => event === 'invalidated')
      if (isTakenOut) return
      // One of some tables may wait for the others.
      const expected = chosen.length === tables.length ? BLOCKS : 0
      if (outcome === 'ok' && what.startsWith('up')) world.broken.push(...exactness(world, chosen, expected))
      // Its inputs may lack blocks; a new table has all that the old one had.
      if (outcome === 'swapped' || outcome === 'adopted') world.broken.push(...exactness(world, chosen, 0))
    }
    void result.then(ended, (error: unknown) => {
      const isMessage = error instanceof BackfillError
      if (!isMessage) world.broken.push(`the program threw what is no message: ${(error as Error).stack}`)
      ended(isMessage ? `${error.kind}: ${error.message}` : 'broken')
    })
    return run
  }

  const startUp = (host: string, options: Partial<UpOptions>, only?: Key) =>
    start(host, `up ${only ?? ''}${JSON.stringify(options)}`, only ? [only] : tables, upWork(options))

  /** To a run that still goes on. */
  function disturb(number: number, words: string, work: (runner: Runner) => void): void {
    const { runner } = runs[number] ?? {}
    if (runner === undefined || runner.dead) return
    server.said(`#${runner.pid} ${words}`)
    runner.hasMet = true
    work(runner)
  }

  function perform(act: Act): void {
    count(act.act)
    switch (act.act) {
      case 'up':
        return void startUp(act.host, { jobs: act.jobs, chunk: act.chunk }, act.only)
      case 'redo':
        if (act.stray) people.putRow(act.table, act.from)
        return void start(
          act.host,
          `redo ${act.table} ${act.from}-${act.to}`,
          [act.table],
          redoWork(act.from, act.to),
        )
      case 'rebuild':
        return void start(act.host, `rebuild ${act.table}`, [act.table], rebuildWork(act.dropOld))
      case 'verify sources':
        return void start(act.host, 'verify --sources', tables, sourcesWork)
      case 'status':
        return void start(act.host, 'status', tables, statusWork)
      case 'redo stale':
        return void start(act.host, 'redo-stale', tables, staleWork)
      case 'kill':
        return disturb(act.runner, 'is to be killed', server.kill)
      case 'stop':
        return disturb(act.runner, `stops for ${act.ms} ms`, (runner) => {
          // It may have been stopped, or in trouble, for longer before.
          runner.stoppedUntil = Math.max(runner.stoppedUntil, time.now() + act.ms)
          runner.troubledUntil = Math.max(runner.troubledUntil, runner.stoppedUntil)
        })
      case 'jump':
        return disturb(
          act.runner,
          `has a clock that jumps by ${act.ms} ms`,
          (runner) => (runner.ahead += act.ms),
        )
      case 'restart':
        server.said(`the server restarts, and is away for ${act.ms} ms`)
        return server.restart(act.ms)
      case 'rewrite':
        server.said(`block ${act.block} of the source is written again`)
        return world.write(act.block)
      case 'pause':
        server.said(`somebody pauses for ${act.ms} ms`)
        return void world.holds.push({ action: 'pause', table: '', until: time.now() + act.ms })
      case 'replace':
      case 'truncate':
        return people.take(act.table, act.act === 'replace')
      case 'back up':
        return people.backUp(act.table)
      case 'restore':
        return people.restore(act)
      case 'adopt':
        // It may die when it has recorded; at the end all is built again.
        if (act.known) world.explained.add(world.targets.get(act.table)?.uuid ?? '')
        return void start(act.host, `adopt ${act.table}`, [act.table], adoptWork(act.known))
    }
  }

  /** A process that nothing disturbs: how it has ended. */
  async function endOf(what: string, chosen: readonly Key[], work: Work): Promise<string | undefined> {
    const run = start('three', what, chosen, work)
    await time.until(() => run.outcome !== undefined, time.now() + ENDS_WITHIN_MS)
    return run.outcome
  }
  const afterwards = { world, tables, endOf }

  try {
    for (const act of acts) time.later(act.at, () => perform(act), undefined)
    const last = Math.max(0, ...acts.map(({ at }) => at))
    const areEnded = () => runs.every(({ outcome, runner }) => outcome !== undefined || runner.dead)
    if (
      !(await time.until(() => time.now() >= last && areEnded(), HEALED_MS + ENDS_WITHIN_MS)) &&
      !areEnded()
    )
      world.broken.push('a run of the history has not ended half an hour after all faults')
    for (const { runner } of runs) runner.dead = true
    time.later(HEALED_MS + 1 - time.now(), () => {}, undefined)
    await time.until(() => time.now() > HEALED_MS, Infinity)

    server.heal()
    server.said('nothing fails any more')
    if (people.is.emptied) for (const name of tables) world.targets.delete(name)
    people.is.emptied = false
    await adoptAll(afterwards)
    const run = startUp('three', {})
    const began = time.now()
    if (!(await time.until(() => run.outcome !== undefined, began + ENDS_WITHIN_MS))) {
      world.broken.push('the last run has not ended after half an hour')
      run.runner.dead = true // else its heartbeats would go on for ever
    }
    // Rows that a restored table lacks are said to be lost: a person drops it, and the rest is another history.
    if (people.is.restored && run.outcome?.includes('was a partition dropped'))
      return { broken: [...new Set(world.broken)], trace: server.trace, counts }
    if (run.outcome !== undefined && run.outcome !== 'ok')
      world.broken.push(`the last run failed: ${run.outcome}`)
    if (run.quietest > SILENT_MS)
      world.broken.push(`the last run was silent for ${Math.round(run.quietest / 1000)} s`)
    await time.until(() => false, time.now() + ARRIVES_WITHIN_MS)
    world.broken.push(...judge(world, tables, run.runner.pid))
    if (world.broken.length === 0 && acts.some(({ act }) => MENDING.has(act))) await mend(afterwards)
    if (world.broken.length === 0 && (tables.includes('echo') || tables.includes('total'))) {
      const status = time.start('three', () =>
        withWorkspace(tables, async (workspace) => readTableStatuses(workspace, { lag: 0 })),
      )
      let found: Awaited<typeof status.result> | undefined
      void status.result.then((statuses) => (found = statuses))
      await time.until(() => found !== undefined, time.now() + ARRIVES_WITHIN_MS)
      if (found === undefined) throw new Error('status has not answered')
      world.broken.push(...staleness(world, found))
    }
  } finally {
    server.end()
    time.end()
  }
  return { broken: [...new Set(world.broken)], trace: server.trace, counts }
}
