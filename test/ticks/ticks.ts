// `npm run ticks [-- <ticks>]`: a crontab on a chain that grows. Each tick brings blocks, some of them late in some sources;
// `up` and `status --check` run as cron runs them, and neither may raise an alarm. Then each disaster must raise one.
// The exit code is 1 for a false alarm, or a disaster that raises none.
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { readCatalogue } from '../../src/project/sql-folder.ts'
import { post, startTestServer, uniqueDatabase } from '../support/server.ts'
import { addBlocks, createSourceTables } from '../support/small-chain.ts'
import { SQL_FOLDER } from '../support/workspace.ts'

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url))
const ticks = Number(process.argv[2] ?? 60)
const server = await startTestServer()
const names = {
  source: uniqueDatabase('source'),
  target: uniqueDatabase('target'),
  ledger: uniqueDatabase('ledger'),
}
const env = {
  ...process.env,
  NO_COLOR: '1',
  TARGET_CLICKHOUSE_URL: server.url,
  TARGET_CLICKHOUSE_USERNAME: server.username,
  TARGET_CLICKHOUSE_PASSWORD: server.password,
  TARGET_CLICKHOUSE_DATABASE: names.target,
  SOURCE_CLICKHOUSE_DATABASE: names.source,
  BACKFILL_LEDGER_DATABASE: names.ledger,
  BACKFILL_SQL: SQL_FOLDER,
  BACKFILL_LAG: '3',
}

const catalogue = await readCatalogue(SQL_FOLDER)
const SLOW = ['traces', 'storage_diffs']
const FAST = catalogue.sources
  .map(({ table }) => table.replace('canonical_execution_', ''))
  .filter((table) => !SLOW.includes(table))

let head = 0
async function grow(blocks: number, tables?: readonly string[]): Promise<void> {
  await addBlocks(server, names.source, {
    from: head + 1,
    to: head + blocks,
    at: 'now()',
    ...(tables && { tables }),
  })
  if (tables !== FAST) head += blocks
}

function run(...words: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...words], { env, encoding: 'utf8' })
  return { status, said: `${stdout}${stderr}`.trim() }
}

/** What cron would mail: whatever does not end with 0. */
function alarms(): readonly string[] {
  const ran = [
    ['up', '--quiet'],
    ['status', '--check'],
  ].map((words) => ({ words, ...run(...words) }))
  return ran.flatMap(({ words, status, said }) =>
    status === 0 ? [] : [`${words.join(' ')}: ${status}\n${said}`],
  )
}

const wrong: string[] = []
try {
  await createSourceTables(server, catalogue, names.source)
  await grow(500)
  wrong.push(...alarms())
  for (let tick = 1; tick <= ticks; tick++) {
    // Some ticks bring nothing; at every fifth one two loaders are a block behind, and catch up at the next.
    const isLate = tick % 5 === 0
    if (tick % 7 !== 0) await grow(1 + (tick % 4))
    if (isLate) await grow(1, FAST)
    wrong.push(...alarms().map((one) => `tick ${tick}: ${one}`))
    if (isLate) await grow(1, SLOW)
  }
  console.log(`${ticks} ticks, ${wrong.length} false alarms`)

  const table = (name: string) => `${names.target}.int_${name}`
  const DISASTERS: readonly (readonly [what: string, statement: string])[] = [
    ['a table was emptied', `TRUNCATE TABLE ${table('address_reads')}`],
    ['a table was dropped', `DROP TABLE ${table('block_slots_stat')} SYNC`],
    ['rows were deleted', `DELETE FROM ${table('address_diffs')} WHERE block_number < 400`],
    ['the sources were emptied', `TRUNCATE ALL TABLES FROM ${names.source}`],
    ['the ledger was lost', `DROP DATABASE ${names.ledger} SYNC`],
  ]
  for (const [what, statement] of DISASTERS) {
    await post(server, statement)
    const { status, said } = run('status', '--check')
    const last = said.split('\n').at(-1)
    console.log(`${what}: exit ${status}, ${last}`)
    if (status === 0 || !said.includes('status --check: ')) wrong.push(`no alarm where ${what}`)
  }
} finally {
  await server.stop()
}
for (const one of wrong) console.log(one)
process.exitCode = wrong.length === 0 ? 0 : 1
