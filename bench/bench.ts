// Owns `npm run bench`: which parts are measured, at which scale, and where the results go.
import { writeFile } from 'node:fs/promises'
import { cpus, totalmem } from 'node:os'
import { parseArgs } from 'node:util'
import { rowsOf } from '../test/support/server.ts'
import { chunkSizes } from './parts/chunk-sizes.ts'
import { digests } from './parts/digests.ts'
import { freshness } from './parts/freshness.ts'
import { idle } from './parts/idle.ts'
import { jobs } from './parts/jobs.ts'
import { limit } from './parts/limit.ts'
import { memory } from './parts/memory.ts'
import { merges } from './parts/merges.ts'
import { oneBlock } from './parts/one-block.ts'
import { looks } from './parts/looks.ts'
import { overhead } from './parts/overhead.ts'
import { pythonManner } from './parts/python-manner.ts'
import { buildProgram } from './support/backfill.ts'
import { type Chain, type Era, firstBlock, generateChain } from './support/chain.ts'
import { chart } from './support/chart.ts'
import { type Bench, printed, type Report } from './support/report.ts'
import { startServer } from './support/server.ts'

const PARTS: Readonly<Record<string, (bench: Bench) => Promise<Report>>> = {
  a: pythonManner,
  b: overhead,
  c: limit,
  d: chunkSizes,
  e: jobs,
  f: idle,
  g: memory,
  h: digests,
  i: looks,
  j: oneBlock,
  k: freshness,
  l: merges,
}

/** The parts that need no chain: they make what they need. */
const WITHOUT_CHAIN = ['f', 'g', 'i']

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: Object.keys(PARTS).join(',') },
    blocks: { type: 'string', default: '500' },
    first: { type: 'string' },
    era: { type: 'string', default: 'even' },
    runs: { type: 'string', default: '3' },
    step: { type: 'string', default: '10000' },
    chunks: { type: 'string', default: '50,100,250,500' },
    'chunk-rows': { type: 'string', default: '1000000,10000000' },
    events: { type: 'string', default: '1000000' },
    'long-run': { type: 'string', default: '5000' },
    'long-chain': { type: 'string', default: '24000000' },
    'live-minutes': { type: 'string', default: '5' },
    directory: { type: 'string' },
    json: { type: 'string' },
    chart: { type: 'string' },
  },
})

const parts = values.only.split(',')
const unknown = parts.filter((part) => !Object.hasOwn(PARTS, part))
if (unknown.length > 0)
  throw new Error(`no such part: ${unknown.join(', ')}; there are ${Object.keys(PARTS).join(', ')}`)

buildProgram()
const blocks = Number(values.blocks)
const chain: Chain = {
  source: 'bench_source',
  first: values.first === undefined ? firstBlock(blocks) : Number(values.first),
  blocks,
  era: values.era as Era,
}
const server = await startServer(values.directory)
try {
  const [about] = await rowsOf<{ version: string }>(server, 'SELECT version() AS version')
  const processor = `${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}, ${Math.round(totalmem() / 2 ** 30)} GiB`
  const machine = `${processor}, ClickHouse ${about!.version}, Node ${process.versions.node}`
  console.log(machine)
  const needsChain = parts.some((part) => !WITHOUT_CHAIN.includes(part))
  const sourceRows = needsChain ? await generateChain(server, chain) : 0
  if (needsChain)
    console.log(`${sourceRows} source rows in ${blocks} blocks from ${chain.first}, ${chain.era}`)
  const bench: Bench = {
    server,
    chain,
    runs: Number(values.runs),
    step: Number(values.step),
    chunks: numbers(values.chunks),
    chunkRows: numbers(values['chunk-rows']),
    events: Number(values.events),
    longRun: Number(values['long-run']),
    longChain: Number(values['long-chain']),
    liveMinutes: Number(values['live-minutes']),
  }
  const reports: Record<string, Report> = {}
  for (const part of parts) {
    const report = await PARTS[part]!(bench)
    reports[part] = report
    console.log(printed(report))
    if (part === 'a' && values.chart !== undefined) await writeFile(values.chart, chart(report))
    // After each part: what was measured is kept when a later one fails.
    if (values.json !== undefined)
      await writeFile(values.json, `${JSON.stringify({ machine, chain, sourceRows, reports }, null, 2)}\n`)
  }
} finally {
  await server.stop()
}

function numbers(list: string): readonly number[] {
  return list === '' ? [] : list.split(',').map(Number)
}
