// Owns the proof that the generated chain is shaped like mainnet: rows per transaction and the share of the hottest
// addresses and slots, in two of its blocks and in two real ones. `node bench/shape.ts --directory DIR --blocks N`
import { parseArgs } from 'node:util'
import { readCatalogue } from '../src/project/sql-folder.ts'
import { loadRealSource, MISSING_REAL_DATA } from '../test/support/real-data.ts'
import { post, rowsOf } from '../test/support/server.ts'
import { SQL_FOLDER } from '../test/support/workspace.ts'
import { type Chain, DENCUN, firstBlock, generateChain, NETWORK } from './support/chain.ts'
import { printed } from './support/report.ts'
import { type Server, startServer } from './support/server.ts'

/** What is counted: objects of a source table. */
const COUNTED: readonly (readonly [table: string, object: string])[] = [
  ['balance_diffs', 'address'],
  ['balance_reads', 'address'],
  ['nonce_diffs', 'address'],
  ['nonce_reads', 'address'],
  ['storage_diffs', 'address'],
  ['storage_diffs', 'address, slot'],
  ['storage_reads', 'contract_address'],
  ['storage_reads', 'contract_address, slot'],
  ['contracts', 'contract_address'],
  ['traces', "ifNull(action_to, '')"],
]

/** The first of the two real blocks. */
const REAL_BLOCK = 17_073_191

const { values } = parseArgs({
  options: { directory: { type: 'string' }, blocks: { type: 'string', default: '200' } },
})
const blocks = Number(values.blocks)
const chain: Chain = { source: 'bench_source', first: firstBlock(blocks), blocks, era: 'even' }

const server = await startServer(values.directory)
try {
  await generateChain(server, chain)
  console.log(printed(await shape(server, 'generated', chain.source, DENCUN)))
  if (MISSING_REAL_DATA === undefined) {
    const real = 'bench_real'
    await post(server, 'DROP DATABASE IF EXISTS {real:Identifier} SYNC', { real })
    await loadRealSource(server, await readCatalogue(SQL_FOLDER), real)
    console.log(printed(await shape(server, 'real', real, REAL_BLOCK)))
  } else console.log(MISSING_REAL_DATA)
} finally {
  await server.stop()
}

type Shape = {
  readonly rows: number
  readonly objects: number
  readonly top: readonly [number, number, number]
}

async function shape(on: Server, name: string, source: string, from: number) {
  const within = `WHERE meta_network_name = '${NETWORK}' AND block_number IN (${from}, ${from + 1})`
  const prefix = `${source}.canonical_execution_`
  const [transactions] = await rowsOf<{ all: number; failed: number }>(
    on,
    `SELECT count() AS all, countIf(NOT success) AS failed FROM ${prefix}transaction FINAL ${within}`,
  )
  const { all, failed } = transactions!
  const rows = COUNTED.map(async ([table, object]) => {
    const [found] = await rowsOf<Shape>(
      on,
      `SELECT sum(n) AS rows, count() AS objects,
         arrayMap(first -> 100 * arraySum(arraySlice(arrayReverseSort(groupArray(n)), 1, first)) / sum(n), [1, 10, 100]) AS top
       FROM (SELECT count() AS n FROM ${prefix}${table} FINAL ${within} GROUP BY ${object})`,
    )
    const what = object.includes('slot') ? 'slots' : 'addresses'
    return [`${table}, ${what}`, found!.rows / all, found!.objects, ...found!.top]
  })
  return {
    title: `Two ${name} blocks: ${all} transactions, ${failed} failed; share of the hottest in the rows, %`,
    columns: ['rows of', 'per transaction', 'distinct', 'first', 'first 10', 'first 100'],
    rows: await Promise.all(rows),
  }
}
