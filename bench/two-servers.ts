// Owns the figures of two servers: a streamed chunk against INSERT … SELECT FROM remote() of the same transform on the
// same pair, and with --memory the runner's memory while much crosses to a slow target.
// `npm run bench:two-servers -- --blocks 500 --runs 5 --tables address_reads,address_diffs`
import { cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { rowsOf } from '../test/support/server.ts'
import { COMPRESSIONS } from '../src/model/model.ts'
import { streamMemory } from './parts/stream-memory.ts'
import { streams } from './parts/streams.ts'
import { generateChain, firstBlock } from './support/chain.ts'
import { printed } from './support/report.ts'
import { startServer } from './support/server.ts'

const { values } = parseArgs({
  options: {
    blocks: { type: 'string', default: '500' },
    runs: { type: 'string', default: '5' },
    tables: { type: 'string', default: 'address_diffs,address_reads,address_storage_slot_first_access' },
    compressions: { type: 'string', default: COMPRESSIONS.join() },
    memory: { type: 'boolean', default: false },
    megabytes: { type: 'string', default: '2000' },
    speed: { type: 'string', default: '60' },
  },
})

const source = await startServer(undefined)
const target = await startServer(undefined)
try {
  const [about] = await rowsOf<{ version: string }>(source, 'SELECT version() AS version')
  console.log(
    `${cpus().length} × ${cpus()[0]?.model}, ClickHouse ${about!.version}, Node ${process.versions.node}`,
  )
  if (values.memory) {
    const options = { megabytes: Number(values.megabytes), megabytesPerSecond: Number(values.speed) }
    console.log(printed(await streamMemory({ source, target }, options)))
  } else {
    const blocks = Number(values.blocks)
    const chain = { source: 'bench_source', first: firstBlock(blocks), blocks, era: 'even' } as const
    console.log(`${await generateChain(source, chain)} source rows in ${blocks} blocks`)
    const compressions = COMPRESSIONS.filter((compression) =>
      values.compressions.split(',').includes(compression),
    )
    const options = { chain, runs: Number(values.runs), tables: values.tables.split(','), compressions }
    console.log(printed(await streams({ source, target }, options)))
  }
} finally {
  await Promise.all([source.stop(), target.stop()])
}
