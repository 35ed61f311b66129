// Owns what `--cluster` makes sure of before anything is written, on two servers without Keeper.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { readCatalogue } from '../../../src/project/sql-folder.ts'
import type { Catalogue } from '../../../src/model/model.ts'
import { COMMANDS } from '../../../src/cli/commands.ts'
import { startBalancer } from '../../support/balancer.ts'
import { backfillHere, environmentFor } from '../../support/cli.ts'
import { temporaryDirectory } from '../../support/processes.ts'
import { post, rowsOf, type TestServer, uniqueDatabase } from '../../support/server.ts'
import {
  CLUSTER,
  everywhere,
  REPLICAS,
  shardTargets,
  type Shards,
  startShards,
} from '../../support/shards.ts'
import { addBlocks, createSourceTables } from '../../support/small-chain.ts'
import { openTestWorkspace, SQL_FOLDER, type TestWorkspace } from '../../support/workspace.ts'

const SOURCE = uniqueDatabase('source')
const TABLE = 'address_diffs'
const TARGET = `int_${TABLE}`
const LOCAL = `${TARGET}_local`

let catalogue: Catalogue
let shards: Shards
let target: string
let ledger: string
beforeAll(async () => {
  catalogue = await readCatalogue(SQL_FOLDER)
  shards = await startShards()
  await createSourceTables(shards[0], catalogue, SOURCE)
  await addBlocks(shards[0], SOURCE, { from: 1, to: 20 })
})
afterAll(() => Promise.all(shards?.map((server) => server.stop()) ?? []))
beforeEach(() => {
  target = uniqueDatabase('target')
  ledger = uniqueDatabase('ledger')
})

/** Runs words of a person who has the first server, or what stands in front of it. */
function typed(
  words: readonly string[],
  { cluster = CLUSTER, ...login }: Partial<TestServer> & { readonly cluster?: string } = {},
) {
  const env = environmentFor({ ...shards[0], ...login }, { source: SOURCE, target, ledger })
  return backfillHere([...words, '--lag', '0', ...(cluster === '' ? [] : ['--cluster', cluster])], { env })
}

const up = (at: { readonly url?: string; readonly cluster?: string } = {}) =>
  typed(['up', '--tables', TABLE], at)

async function openShards(): Promise<TestWorkspace> {
  await shardTargets(shards, catalogue, target)
  const workspace = await openTestWorkspace({ ...places(), cluster: CLUSTER })
  onTestFinished(() => workspace.close())
  return workspace
}

const places = () => ({ server: shards[0], source: SOURCE, target, ledger, tables: [TABLE] })

const rows = async () =>
  (await rowsOf<{ rows: number }>(shards[0], `SELECT count() AS rows FROM ${target}.${TARGET} FINAL`))[0]!
    .rows

/** Expects a refusal, and that not even a ledger was made. */
async function expectRefused(
  run: ReturnType<typeof up>,
  sentence: string | RegExp,
  hint: string,
): Promise<void> {
  const { code, stderr } = await run
  expect(stderr).toMatch(sentence)
  expect(stderr).toContain(hint)
  expect(code).toBe(2)
  const databases = await rowsOf(
    shards[0],
    'SELECT name FROM system.databases WHERE name IN ({ledger:String}, {locks:String})',
    { ledger, locks: `${ledger}_locks` },
  )
  expect(databases).toEqual([])
}

describe('the name of the cluster', () => {
  test('one that the server does not know is refused, with those that it knows', () =>
    expectRefused(up({ cluster: 'nope' }), "does not know the cluster 'nope'", `${REPLICAS}, ${CLUSTER}`))

  test('one that the macro {cluster} contradicts is refused', () =>
    expectRefused(
      up({ cluster: REPLICAS }),
      `the macro {cluster} of the target server is '${CLUSTER}'`,
      'ON CLUSTER',
    ))

  test('a Distributed target without a cluster is refused', async () => {
    await shardTargets(shards, catalogue, target)
    await expectRefused(up({ cluster: '' }), `${TARGET} is Distributed`, '--cluster')
  })
})

/** A target as somebody made it: `local` on each server, `distributed` over it. */
async function make(local: string, distributed: string): Promise<void> {
  const { ddl } = catalogue.tables.find(({ key }) => key === TABLE)!
  await everywhere(shards, `CREATE DATABASE ${target}`)
  await everywhere(shards, ddl.text.replace(TARGET, LOCAL).replace('ReplacingMergeTree', local), { target })
  await post(shards[0], `CREATE TABLE ${target}.${TARGET} AS ${target}.${LOCAL} ENGINE = ${distributed}`)
}

function over(key: string, cluster = CLUSTER): string {
  return `Distributed(${cluster}, ${target}, ${LOCAL}${key})`
}

describe('the tables of the cluster', () => {
  test('a sharding key that throws dice is refused', async () => {
    await make('ReplacingMergeTree', over(', rand()'))
    await expectRefused(up(), 'rand() sends a row to another shard each time', 'sorting key')
  })

  test('a sharding key that parts rows of one key is refused', async () => {
    await make('ReplacingMergeTree', over(', cityHash64(address, tx_count)'))
    await expectRefused(up(), 'tx_count is not among the columns that rows are told apart by', 'sorting key')
  })

  test('a Distributed table without a sharding key is refused', async () => {
    await make('ReplacingMergeTree', over(''))
    await expectRefused(up(), 'it has no sharding key', 'sorting key')
  })

  test('one of another cluster is refused', async () => {
    await make('ReplacingMergeTree', over(', cityHash64(address)', REPLICAS))
    await expectRefused(up(), `is Distributed over the cluster '${REPLICAS}'`, `--cluster ${REPLICAS}`)
  })

  test('local tables that keep every row are refused', async () => {
    await make('MergeTree', over(', cityHash64(address)'))
    await expectRefused(up(), /keep every row \(MergeTree\)/, 'ReplacingMergeTree')
  })

  test('a shard without its local table is refused', async () => {
    await make('ReplacingMergeTree', over(', cityHash64(address)'))
    await post(shards[1], `DROP TABLE ${target}.${LOCAL} SYNC`)
    await expectRefused(up(), /replica 1 of shard 2 \(\S+\) lacks it/, 'create it there')
  })

  test('local tables that are sorted in different ways are refused', async () => {
    await make('ReplacingMergeTree', over(', cityHash64(address)'))
    await post(shards[1], `DROP TABLE ${target}.${LOCAL} SYNC`)
    const { ddl } = catalogue.tables.find(({ key }) => key === TABLE)!
    const other = ddl.text
      .replace(TARGET, LOCAL)
      .replace('ORDER BY (address, block_number)', 'ORDER BY address')
    await post(shards[1], other, { target })
    await expectRefused(up(), 'has local tables', 'make them alike')
  })

  test('a table of one server is refused', async () => {
    const { ddl } = catalogue.tables.find(({ key }) => key === TABLE)!
    await post(shards[0], `CREATE DATABASE ${target}`)
    await post(shards[0], ddl.text, { target })
    await expectRefused(up(), 'is a ReplacingMergeTree on one server', 'docs/how-to/clusters.md')
  })

  test('tables that do not exist are not made without ON CLUSTER', async () => {
    await expectRefused(up(), `${TARGET} does not exist`, 'create it by hand')
  })

  test('local tables of any name do', async () => {
    await make('ReplacingMergeTree', over(', sipHash64(lower(address))'))
    await everywhere(shards, `RENAME TABLE ${target}.${LOCAL} TO ${target}.here`)
    await post(shards[0], `DROP TABLE ${target}.${TARGET}`)
    await post(
      shards[0],
      `CREATE TABLE ${target}.${TARGET} AS ${target}.here ENGINE = Distributed('{cluster}', ${target}, here, sipHash64(lower(address)))`,
    )
    expect((await up()).code).toBe(0)
    expect(await rows()).toBeGreaterThan(0)
  })
})

/** What a person types after each command that has `--cluster`; those that have none of the target's tables are left out. */
const WORDS: Readonly<Record<string, readonly string[]>> = {
  try: [TABLE],
  up: [],
  run: ['--tables', TABLE],
  redo: [TABLE, '--from', '1', '--to', '5', '--yes'],
  verify: [TABLE],
  digest: [TABLE],
  adopt: [TABLE],
  accept: [TABLE, '--from', '1', '--to', '5', '--yes'],
  import: ['--from', '1', '--to', '5', '--folder'],
  unlock: ['--tables', TABLE],
  rebuild: [TABLE],
  'create-tables': ['--tables', TABLE],
  status: [],
  report: ['--output', '-'],
  plan: [],
  diff: [TABLE],
  check: [],
  doctor: [],
  log: [],
  info: [],
  pause: [],
  limit: ['--jobs', '1'],
  resume: [],
  wait: ['--to', '5', '--timeout', '0'],
}
/** `preview` reads rows alone, wherever they are; `list` asks no server; `serve` joins for each answer. */
const ALONE = ['preview', 'list', 'demo', 'serve']

test('every command that talks to the target joins its cluster, and refuses one that the server does not know', async () => {
  const having = COMMANDS.filter(({ flags }) => flags.some(({ name }) => name === 'cluster'))
  const joining = having.map(({ name }) => name).filter((name) => !ALONE.includes(name))
  expect(joining.toSorted()).toEqual(Object.keys(WORDS).toSorted())
  // `import` looks for files first.
  const files = temporaryDirectory()
  const folder = join(files, 'mainnet/databases/default/canonical_execution_transaction/1000')
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, '0.parquet'), '')
  for (const [name, typedWords] of Object.entries(WORDS)) {
    const words = typedWords.at(-1) === '--folder' ? [...typedWords, files] : typedWords
    const env = environmentFor(shards[0], { source: SOURCE, target, ledger })
    const { code, stdout, stderr } = await backfillHere([name, ...words, '--cluster', 'nope'], { env })
    expect(stdout + stderr, name).toContain("the target server does not know the cluster 'nope'")
    expect(code, name).toBeGreaterThan(0)
  }
})

test('a load balancer in front of servers without Keeper is refused', async () => {
  const balancer = await startBalancer(shards.map(({ url }) => url))
  onTestFinished(() => balancer.close())
  await shardTargets(shards, catalogue, target)
  await expectRefused(up(balancer), 'end at different servers', 'TARGET_CLICKHOUSE_URL')
})

test('redo, rebuild and try are refused before anything is written', async () => {
  await openShards()
  for (const [words, says, hint] of [
    [`redo ${TABLE} --from 1 --to 5 --yes`, 'redo deletes rows', 'local tables'],
    [`rebuild ${TABLE}`, '`rebuild` does not work on a cluster without Keeper', 'TARGET_CLICKHOUSE_DATABASE'],
    [`try ${TABLE}`, 'the target is a cluster', `${TABLE} --from N --to N`],
  ] as const)
    await expectRefused(typed(words.split(' ')), says, hint)
})
