// Owns the making of a data directory to measure on: `node bench/generate.ts --directory DIR --blocks N`.
import { parseArgs } from 'node:util'
import { rowsOf } from '../test/support/server.ts'
import { type Chain, firstBlock, generateChain } from './support/chain.ts'
import { startServer } from './support/server.ts'

const { values } = parseArgs({
  options: {
    directory: { type: 'string' },
    blocks: { type: 'string', default: '200' },
    first: { type: 'string' },
    era: { type: 'string', default: 'even' },
    database: { type: 'string', default: 'bench_source' },
  },
})
const blocks = Number(values.blocks)
const chain: Chain = {
  source: values.database,
  first: values.first === undefined ? firstBlock(blocks) : Number(values.first),
  blocks,
  era: values.era === 'growing' ? 'growing' : 'even',
}

const server = await startServer(values.directory)
try {
  const began = performance.now()
  const rows = await generateChain(server, chain)
  const seconds = ((performance.now() - began) / 1000).toFixed(1)
  console.log(`${rows} source rows in ${blocks} blocks from ${chain.first}, ${chain.era}: ${seconds} s`)
  console.table(
    await rowsOf(
      server,
      `SELECT table, sum(rows) AS total, count() AS parts, sum(bytes_on_disk) AS bytes FROM system.parts
       WHERE active AND database = {source:String} GROUP BY table ORDER BY table`,
      { source: chain.source },
    ),
  )
} finally {
  await server.stop()
}
