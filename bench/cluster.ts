// Owns the figures of a cluster by its number of shards and replicas: what a chunk costs in ledger writes, parts and time, and what an
// INSERT through the Distributed table costs against one on each shard. `npm run bench:cluster -- --layouts 1x1,2x1,4x1,1x2,2x2`
import { parseArgs } from 'node:util'
import { readCatalogue } from '../src/project/sql-folder.ts'
import { MISSING_CLUSTER, type RealCluster, startRealCluster } from '../test/support/real-cluster.ts'
import { post, rowsOf, type TestServer, uniqueDatabase } from '../test/support/server.ts'
import { CLUSTER } from '../test/support/shards.ts'
import { addBlocks, createSourceTables } from '../test/support/small-chain.ts'
import { openTestWorkspace, SQL_FOLDER } from '../test/support/workspace.ts'
import { alternate, median, timed } from './support/measure.ts'
import { printed } from './support/report.ts'

const { values } = parseArgs({
  options: {
    layouts: { type: 'string', default: '1x1,2x1,4x1,1x2,2x2' },
    blocks: { type: 'string', default: '6000' },
    chunks: { type: 'string', default: '20' },
    rows: { type: 'string', default: '300000' },
    runs: { type: 'string', default: '3' },
  },
})
const TABLES = ['address_diffs', 'address_reads', 'block_slots_stat']

if (MISSING_CLUSTER !== undefined) throw new Error(MISSING_CLUSTER)
const rows: (readonly (string | number)[])[] = []
const inserts: (readonly (string | number)[])[] = []
for (const layout of values.layouts.split(',')) {
  const [shards, replicas] = layout.split('x').map(Number) as [number, number]
  const cluster = await startRealCluster({ shards, replicas })
  try {
    rows.push([layout, ...(await runOf(cluster))])
    inserts.push([layout, ...(await insertsOf(cluster, shards, replicas))])
  } finally {
    await cluster.stop()
  }
}
console.log(
  printed({
    title: `\`up\` of ${TABLES.length} tables, ${values.chunks} chunks each, --jobs 2; medians in ms; parts of all nodes, a chunk`,
    columns: [
      'shards x replicas', 's', 'chunks/s', 'ledger INSERTs a chunk', 'ms each', 'target INSERT ms', 'parts: target', 'ledger', 'Keeper requests',
    ], // prettier-ignore
    rows,
  }),
)
console.log(
  printed({
    title: `${values.rows} rows into a table of 16 partitions: seconds, medians of ${values.runs} turns`,
    columns: ['shards x replicas', 'Distributed', 'each shard its own rows', 'ratio'],
    rows: inserts,
  }),
)

async function runOf({ nodes }: RealCluster): Promise<readonly number[]> {
  const node = nodes[0]!
  const source = uniqueDatabase('source')
  const blocks = Number(values.blocks)
  await createSourceTables(node, await readCatalogue(SQL_FOLDER), source)
  await addBlocks(node, source, { from: 1, to: blocks })
  const workspace = await openTestWorkspace({ server: node, source, cluster: CLUSTER, tables: TABLES })
  try {
    // Tables and ledger are made, and the first chunk of each is done, before it counts.
    const chunk = Math.ceil((blocks - 1) / Number(values.chunks))
    await workspace.up({ to: 1, jobs: 2 })
    const [{ now }] = (await rowsOf<{ now: string }>(node, 'SELECT toString(now64(6)) AS now')) as [
      { now: string },
    ]
    const seconds = (await timed(() => workspace.up({ chunk, jobs: 2 }))) / 1000
    const chunks = Number(values.chunks) * TABLES.length
    const { ledger, target } = workspace
    const params = { now, ledger, target }
    const logged = await onAll<{ place: string; ms: number }>(
      nodes,
      `SELECT if(has(databases, {ledger:String}) AND NOT has(databases, {target:String}), 'ledger', 'target') AS place,
        query_duration_ms AS ms
      FROM system.query_log WHERE type = 'QueryFinish' AND is_initial_query AND query_kind = 'Insert'
        AND event_time_microseconds > {now:DateTime64(6)} AND hasAny(databases, [{ledger:String}, {target:String}])`,
      params,
    )
    const parts = await onAll<{ place: string }>(
      nodes,
      `SELECT if(database = {ledger:String}, 'ledger', 'target') AS place FROM system.part_log
      WHERE event_type = 'NewPart' AND event_time_microseconds > {now:DateTime64(6)}
        AND database IN ({ledger:String}, {target:String})`,
      params,
    )
    // Of the INSERTs on all nodes; what replicas ask to fetch the parts comes on top.
    const asked = await onAll<{ requests: number }>(
      nodes,
      `SELECT sum(ProfileEvents['ZooKeeperTransactions']) AS requests FROM system.query_log
        WHERE type = 'QueryFinish' AND query_kind = 'Insert' AND event_time_microseconds > {now:DateTime64(6)}`,
      params,
    )
    const ms = (place: string) => logged.filter((one) => one.place === place).map((one) => one.ms)
    const count = (place: string) => parts.filter((one) => one.place === place).length / chunks
    return [
      seconds,
      chunks / seconds,
      ms('ledger').length / chunks,
      median(ms('ledger')),
      median(ms('target')),
      count('target'),
      count('ledger'),
      asked.reduce((sum, { requests }) => sum + requests, 0) / chunks,
    ]
  } finally {
    await workspace.close()
  }
}

async function onAll<Row>(
  nodes: readonly TestServer[],
  select: string,
  params: Readonly<Record<string, string>>,
): Promise<readonly Row[]> {
  const each = await Promise.all(
    nodes.map(async (node) => {
      await post(node, 'SYSTEM FLUSH LOGS')
      return await rowsOf<Row>(node, select, params)
    }),
  )
  return each.flat()
}

/** The same rows, computed where they are inserted, so that nothing but the way of the rows differs. */
async function insertsOf(
  { nodes }: RealCluster,
  shards: number,
  replicas: number,
): Promise<readonly number[]> {
  const node = nodes[0]!
  const database = uniqueDatabase('bench')
  await post(node, `CREATE DATABASE ${database} ON CLUSTER '{cluster}'`)
  await post(
    node,
    `CREATE TABLE ${database}.t_local ON CLUSTER '{cluster}' (address String, block_number UInt32)
      ENGINE = ReplicatedReplacingMergeTree('/clickhouse/{installation}/{cluster}/tables/{shard}/{database}/{table}', '{replica}')
      PARTITION BY cityHash64(address) % 16 ORDER BY (address, block_number)`,
  )
  await post(
    node,
    `CREATE TABLE ${database}.t ON CLUSTER '{cluster}' AS ${database}.t_local
      ENGINE = Distributed('${CLUSTER}', ${database}, t_local, cityHash64(address))`,
  )
  const settings = `insert_quorum = ${replicas}, insert_quorum_timeout = 60000, distributed_foreground_insert = 1, insert_deduplicate = 0`
  const select = `SELECT concat('0x', lower(leftPad(hex(cityHash64(number)), 40, '0'))) AS address, toUInt32(number % 1000) AS block_number
    FROM numbers({rows:UInt64})`
  const rowCount = { rows: values.rows }
  const emptied = async (work: () => Promise<unknown>) => {
    await post(node, `TRUNCATE TABLE ${database}.t_local ON CLUSTER '{cluster}' SYNC`)
    return (await timed(work)) / 1000
  }
  const { through, apart } = await alternate(Number(values.runs), {
    through: () =>
      emptied(() => post(node, `INSERT INTO ${database}.t ${select} SETTINGS ${settings}`, rowCount)),
    apart: () =>
      emptied(() =>
        Promise.all(
          Array.from({ length: shards }, (_, shard) =>
            post(
              nodes[shard * replicas]!,
              `INSERT INTO ${database}.t_local SELECT * FROM (${select}) WHERE cityHash64(address) % ${shards} = ${shard} SETTINGS ${settings}`,
              rowCount,
            ),
          ),
        ),
      ),
  })
  const [one, other] = [median(through), median(apart)]
  return [one, other, one / other]
}
