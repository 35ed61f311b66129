// Owns the figures of the ledger: what reading it costs a run that has nothing to do, by the number of events in it,
// without and with a checkpoint; and the memory of a verification that looks at all of them. `npm run bench:ledger -- --events 10000,100000 --runs 5`
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { post, rowsOf, startTestServer, type TestServer, uniqueDatabase } from '../test/support/server.ts'
import { openTestWorkspace, type TestWorkspace } from '../test/support/workspace.ts'
import { NETWORK } from './support/chain.ts'
import { backfill, buildProgram } from './support/backfill.ts'
import { checkpointAll, fillLedger } from './support/full-ledger.ts'

const { values } = parseArgs({
  options: {
    events: { type: 'string', default: '10000,100000,1000000' },
    runs: { type: 'string', default: '5' },
  },
})
const runs = Number(values.runs)

const VERIFIED = 'block_slots_stat'

/** Server time of the queries that read the ledger, of all queries, and time of the whole process, in ms. */
type Cost = { readonly ledger: number; readonly server: number; readonly process: number }
type Costs = { readonly fold: Cost; readonly up: Cost; readonly status: Cost }

buildProgram()
const server = await startTestServer()
try {
  console.log(
    `Idle: every block is done. Medians of ${runs} runs in ms; server time is the sum over queries.\n`,
  )
  console.log(
    '| events | checkpoint | fold | `up`: ledger | server | process | `status`: ledger | server | process |',
  )
  console.log('|---:|---|---:|---:|---:|---:|---:|---:|---:|')
  for (const events of values.events.split(',').map(Number)) await benchmark(server, events)
  console.log(`\nAll events are of ${VERIFIED}: peak memory of the process that looks at each of them.\n`)
  console.log('| events | command | MB | s |\n|---:|---|---:|---:|')
  for (const events of values.events.split(',').map(Number)) await verifyAll(server, events)
} finally {
  await server.stop()
}

async function benchmark(on: TestServer, events: number): Promise<void> {
  const workspace = await openTestWorkspace({
    server: on,
    source: uniqueDatabase('source'),
    network: NETWORK,
  })
  try {
    const uuids = await fillLedger(on, workspace, events)
    const plain = await measure(on, workspace, uuids)
    const before = await workspace.workspace.ports.ledger.fold(uuids)
    await checkpointAll(workspace, uuids)
    const after = await workspace.workspace.ports.ledger.fold(uuids)
    for (const key of uuids.keys())
      if (JSON.stringify(before.get(key)?.islands) !== JSON.stringify(after.get(key)?.islands))
        throw new Error(`the checkpoint of ${key} differs from the fold that it replaces`)
    const checkpointed = await measure(on, workspace, uuids)
    console.log(row(events, 'no', plain, (cost) => cost.toFixed(0)))
    console.log(row(events, 'yes', checkpointed, (cost) => cost.toFixed(0)))
    console.log(row(events, 'no / yes', ratios(plain, checkpointed), (factor) => factor.toFixed(1)))
  } finally {
    await workspace.close()
  }
}

/** What verification holds of a ledger whose events are all of one table. */
async function verifyAll(on: TestServer, events: number): Promise<void> {
  const workspace = await openTestWorkspace({
    server: on,
    source: uniqueDatabase('source'),
    network: NETWORK,
  })
  try {
    const tables = workspace.workspace.catalogue.tables.filter(({ key }) => key === VERIFIED)
    await fillLedger(on, workspace, events, tables)
    for (const words of [
      ['verify', VERIFIED, '--sample', '1'],
      ['verify', VERIFIED, '--sources', '--dry-run'],
    ]) {
      const { rssBytes, elapsedMs } = await backfill({ on, place: workspace, words })
      const megabytes = Math.max(...rssBytes) / 1e6
      console.log(
        `| ${events} | \`${words.join(' ')}\` | ${megabytes.toFixed(0)} | ${(elapsedMs / 1000).toFixed(1)} |`,
      )
    }
  } finally {
    await workspace.close()
  }
}

async function measure(
  on: TestServer,
  workspace: TestWorkspace,
  uuids: ReadonlyMap<string, string>,
): Promise<Costs> {
  return {
    fold: await median(on, workspace, () => workspace.workspace.ports.ledger.fold(uuids)),
    up: await median(on, workspace, () => backfill({ on, place: workspace, words: ['up'] })),
    // Exits with 3 unless nothing at all is missing.
    status: await median(on, workspace, () =>
      backfill({ on, place: workspace, words: ['status', '--check'] }),
    ),
  }
}

async function median(on: TestServer, workspace: TestWorkspace, work: () => Promise<unknown>): Promise<Cost> {
  await work() // warms caches up; not counted
  const costs: Cost[] = []
  for (let run = 0; run < runs; run++) {
    const [{ since }] = (await rowsOf<{ since: string }>(on, 'SELECT toString(now64(6)) AS since')) as [
      { since: string },
    ]
    const started = performance.now()
    await work()
    const elapsed = performance.now() - started
    await sleep(50) // the server answers before it logs
    await post(on, 'SYSTEM FLUSH LOGS query_log')
    const [times] = (await rowsOf<Omit<Cost, 'process'>>(
      on,
      `SELECT sumIf(ms, has(tables, concat({ledger:String}, '.ledger'))) AS ledger, sum(ms) AS server
       FROM (SELECT tables, dateDiff('microsecond', query_start_time_microseconds, event_time_microseconds) / 1000 AS ms
         FROM system.query_log
         WHERE type = 'QueryFinish' AND query_start_time_microseconds > {since:String} AND query NOT LIKE 'SYSTEM%')`,
      { since, ledger: workspace.ledger },
    )) as [Omit<Cost, 'process'>]
    costs.push({ ...times, process: elapsed })
  }
  const middle = (name: keyof Cost) =>
    costs.map((cost) => cost[name]).toSorted((a, b) => a - b)[Math.floor(runs / 2)]!
  return { ledger: middle('ledger'), server: middle('server'), process: middle('process') }
}

function ratios(a: Costs, b: Costs): Costs {
  return { fold: ratio(a.fold, b.fold), up: ratio(a.up, b.up), status: ratio(a.status, b.status) }
}

function ratio(a: Cost, b: Cost): Cost {
  return { ledger: a.ledger / b.ledger, server: a.server / b.server, process: a.process / b.process }
}

function row(
  events: number,
  checkpoint: string,
  { fold, up, status }: Costs,
  text: (value: number) => string,
): string {
  const cells = [
    fold.ledger,
    up.ledger,
    up.server,
    up.process,
    status.ledger,
    status.server,
    status.process,
  ].map(text)
  return `| ${[events, checkpoint, ...cells].join(' | ')} |`
}
