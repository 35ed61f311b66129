// Owns `npm run bench:peers`: this program and dbt on the same server, data, SELECTs and DDL, in turns.
// bench/peers/README.md says how to install the peers.
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs, promisify } from 'node:util'
import { rowsOf } from '../../test/support/server.ts'
import type { Range } from '../../src/model/blocks.ts'
import { backfill, buildProgram, newPlace } from '../support/backfill.ts'
import { firstBlock, generateChain, rangeOf } from '../support/chain.ts'
import { alternate, median, timed } from '../support/measure.ts'
import { printed } from '../support/report.ts'
import { startServer } from '../support/server.ts'
import { dropPlace } from '../support/statements.ts'
import { contentsOf, withTargets } from '../support/targets.ts'
import { writeDbtProject } from './dbt-project.ts'

const { values } = parseArgs({
  options: {
    blocks: { type: 'string', default: '2000' },
    chunk: { type: 'string', default: '1000' },
    runs: { type: 'string', default: '3' },
    directory: { type: 'string' },
    /** Programs called `dbt`, by name: `dbt-1.11=/path/to/dbt`. */
    dbt: { type: 'string', multiple: true, default: [] },
  },
})

/** Statements at once, on both sides. */
const JOBS = 2
/** Ticks with nothing to do, and ticks with one new block each; their medians count. */
const TICKS = 5

type Times = { readonly backfill: number; readonly idle: number; readonly newBlock: number }

/** Computes the range, or with `undefined` finds nothing to do. */
type Tick = (range: Range | undefined) => Promise<unknown>

const blocks = Number(values.blocks)
const chunk = Number(values.chunk)
const chain = { source: 'bench_source', first: firstBlock(blocks), blocks, era: 'even' } as const
const { from, to } = rangeOf(chain)
const contents = new Map<string, ReadonlyMap<string, string>>()

buildProgram()
const server = await startServer(values.directory)
try {
  const [about] = await rowsOf<{ version: string }>(server, 'SELECT version() AS version')
  console.log(
    `${cpus().length} × ${cpus()[0]?.model}, ClickHouse ${about!.version}, Node ${process.versions.node}`,
  )
  console.log(`${await generateChain(server, chain)} source rows in ${blocks} blocks, chunks of ${chunk}`)
  const works = {
    backfill: ours,
    ...Object.fromEntries(
      values.dbt.map((word) => word.split('=')).map(([name, path]) => [name!, () => dbt(name!, path!)]),
    ),
  }
  const found = Object.entries(await alternate(Number(values.runs), works))
  const seconds = (times: readonly Times[], of: (one: Times) => number) => median(times.map(of)) / 1000
  console.log(
    printed({
      title: `All tables, ${JOBS} statements at once, seconds, medians of ${values.runs}; ticks: medians of ${TICKS} each`,
      columns: ['program', 'whole backfill', 'nothing to do', 'one new block'],
      rows: found.map(([name, times]) => [
        name,
        seconds(times, (one) => one.backfill),
        seconds(times, (one) => one.idle),
        seconds(times, (one) => one.newBlock),
      ]),
    }),
  )
  for (const [name, content] of contents)
    for (const [table, text] of content)
      if (text !== contents.get('backfill')!.get(table))
        throw new Error(`${table} of ${name} differs: ${text} and ${contents.get('backfill')!.get(table)}`)
  console.log(`\nAll tables are equal: ${[...contents.keys()].join(', ')}.`)
} finally {
  await server.stop()
}

async function ours(): Promise<Times> {
  const place = newPlace(chain.source)
  const up = (words: readonly string[]) => backfill({ on: server, place, words: ['up', ...words] })
  let head = from
  try {
    return await timesOf('backfill', place.target, (range) => {
      if (range !== undefined) head = range.to
      const size =
        range === undefined || range.from === range.to
          ? []
          : ['--chunk', String(chunk), '--jobs', String(JOBS)]
      return up(['--to', String(head), ...size])
    })
  } finally {
    await dropPlace(server, place)
  }
}

/** One `dbt run` a chunk, as a loop in a shell would start it; with nothing to do it is handed an empty range. */
function dbt(name: string, program: string): Promise<Times> {
  return withTargets(server, async (target) => {
    const folder = await mkdtemp(join(tmpdir(), 'backfill-peer-'))
    try {
      await writeDbtProject(folder, { server, source: chain.source, target, threads: JOBS })
      const run = (range: Range) =>
        promisify(execFile)(
          program,
          ['run', '--project-dir', folder, '--profiles-dir', folder, '--vars', JSON.stringify(range)],
          {
            cwd: folder,
            env: {
              PATH: process.env['PATH'],
              HOME: process.env['HOME'],
              DBT_ALLOW_EXPERIMENTAL_ADAPTERS: 'true',
            },
          },
        ).catch((error: { readonly stdout: string; readonly stderr: string }) => {
          throw new Error(`${name}: ${error.stdout}\n${error.stderr}`)
        })
      let head = from
      return await timesOf(name, target, async (range) => {
        if (range === undefined) await run({ from: head + 1, to: head })
        else
          for (let start = range.from; start <= range.to; start += chunk)
            await run({ from: start, to: Math.min(range.to, start + chunk - 1) })
        head = range?.to ?? head
      })
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  })
}

/** The whole chain but its last blocks; then nothing, several times; then each of these blocks. */
async function timesOf(name: string, target: string, tick: Tick): Promise<Times> {
  const last = to - TICKS
  const whole = await timed(() => tick({ from, to: last }))
  const idle: number[] = []
  for (let count = 0; count < TICKS; count++) idle.push(await timed(() => tick(undefined)))
  const newBlock: number[] = []
  for (let block = last + 1; block <= to; block++)
    newBlock.push(await timed(() => tick({ from: block, to: block })))
  contents.set(name, await contentsOf(server, target))
  return { backfill: whole, idle: median(idle), newBlock: median(newBlock) }
}
