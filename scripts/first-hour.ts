// Owns `npm run first-hour [-- --output docs/tutorial/first-hour.md]`: a new user's first hour in an empty folder, on a
// ClickHouse server with a source table that is not Xatu's. It prints every command, what it says and how long it takes,
// as the page of the docs. The first command that ends otherwise than the page says ends it with 1.
import { spawn } from 'node:child_process'
import { mkdtempSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { startEmbedded } from '../src/embedded/embedded-server.ts'
import { EXIT } from '../src/model/errors.ts'

const { values } = parseArgs({ options: { output: { type: 'string' } } })
const MAIN = fileURLToPath(new URL('../src/main.ts', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'first-hour-'))
const project = join(folder, 'project')
mkdirSync(project)
/** The server writes in a file of its own folder, and the user is the one of a server that somebody else runs. */
const server = await startEmbedded({ directory: join(folder, 'server'), isAdmin: true })
const page: string[] = []

const say = (...lines: readonly string[]) => page.push(...lines, '')
const block = (kind: string, lines: string) => say(`\`\`\`${kind}`, lines.trimEnd(), '```')

/** The server has another port each time, and a password that nobody has to see. */
const shown = (said: string) =>
  said.replaceAll(server.url, 'http://localhost:8123').replaceAll(server.password, '…')

/** Runs `backfill <words>` in the project as a person would. @throws Error if it ends with another code */
async function backfill(words: string, code: number = EXIT.ok): Promise<void> {
  const began = performance.now()
  const { PATH = '', HOME = '' } = process.env
  const child = spawn(process.execPath, [MAIN, ...words.split(' ')], {
    cwd: project,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH, HOME, NO_COLOR: '1' },
  })
  const [stdout, stderr, ended] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    new Promise<number | null>((done, fail) => child.once('error', fail).once('close', done)),
  ])
  const seconds = ((performance.now() - began) / 1000).toFixed(1)
  block(
    '',
    `$ backfill ${words}\n${shown(`${stderr}${stdout}`).trimEnd()}\n(exit code ${ended}, ${seconds} s)`,
  )
  if (ended !== code) throw new Error(`backfill ${words} ended with ${ended}, not with ${code}`)
}

function write(path: string, content: string): void {
  mkdirSync(dirname(join(project, path)), { recursive: true })
  writeFileSync(join(project, path), content)
}

/** Replaces texts of a file, each of which is in it. */
function edit(path: string, replacements: Readonly<Record<string, string>>): void {
  const file = join(project, path)
  let changed = readFileSync(file, 'utf8')
  for (const [from, to] of Object.entries(replacements)) {
    if (!changed.includes(from)) throw new Error(`${path} lacks '${from}'`)
    changed = changed.replaceAll(from, to)
  }
  writeFileSync(file, changed)
}

async function sql(statement: string): Promise<void> {
  const { url, username, password } = server
  const headers = { 'X-ClickHouse-User': username, 'X-ClickHouse-Key': password }
  const answer = await fetch(url, { method: 'POST', body: statement, headers })
  if (!answer.ok) throw new Error(await answer.text())
  block('sql', statement)
}

/** Five a block. In every other ten blocks one sender has two rows, written in two ways. */
const rows = (from: number, to: number) =>
  `INSERT INTO transfers
SELECT 1 + intDiv(number, 5), number % 5,
    if(intDiv(number, 4) % 2 = 0, 'a', 'A') || toString(number % if(intDiv(number, 50) % 2 = 0, 4, 9)), number % 100, now()
FROM numbers(${5 * from - 5}, ${5 * (to - from + 1)})`

async function firstHour(): Promise<void> {
  say(
    '# Your first hour',
    'Written by `npm run first-hour`, which CI runs: commands, answers and times are those of a run.',
  )
  say(
    'You have a ClickHouse server with a table of your own, and want a table derived from it. Install `backfill` as [README](../../README.md#against-your-server) says',
    'for an installed package, without `--omit=optional`: unit tests run on the embedded ClickHouse. In an empty folder, where `backfill` stands for `npx backfill`:',
  )
  await backfill('init')

  say('## A source of your own', 'This is what you have; its columns are not those of Xatu:')
  await sql(
    'CREATE TABLE transfers (number UInt64, log_index UInt32, sender String, value UInt64, loaded_at DateTime)\nENGINE = ReplacingMergeTree(loaded_at) ORDER BY (number, log_index)',
  )
  await sql(rows(1, 2000))
  say(
    'Write `sql/source/transfers.sql` (the folder `sql/source`, too). It says what the program reads of a row: its block, its network, when it was written.',
    'Below its header stands what `SHOW CREATE TABLE transfers FORMAT TSVRaw` prints, with `{source:Identifier}` in place of the database.',
  )
  const source = `--! position: number
--! network: none
--! written: loaded_at
--! block-coverage: every-block
CREATE TABLE IF NOT EXISTS {source:Identifier}.transfers
(
    number UInt64,
    log_index UInt32,
    sender String,
    value UInt64,
    loaded_at DateTime
)
ENGINE = ReplacingMergeTree(loaded_at)
ORDER BY (number, log_index)
`
  write('sql/source/transfers.sql', source)
  block('sql', source)

  say('## A table of your own', 'The table of `init` reads a source that you do not have:')
  for (const path of [
    'ddl/transactions_per_block.sql',
    'transforms/transactions_per_block.sql',
    'tests/transactions_per_block',
  ])
    rmSync(join(project, 'sql', path), { recursive: true })
  block('', '$ rm -r sql/*/transactions_per_block*')
  await backfill('new senders_per_block --sources transfers')
  await backfill('new busy_blocks --after senders_per_block')
  say(
    'The second table reads the first. Now edit: senders instead of rows, and only blocks with five of them.',
  )
  const COUNT = { row_count: 'senders' }
  edit('sql/transforms/senders_per_block.sql', {
    ...COUNT,
    'count()': 'uniqExact(sender)',
    'SELECT number AS block': 'SELECT number AS block, sender',
  })
  edit('sql/ddl/senders_per_block.sql', { ...COUNT, 'Rows of the block': 'Senders of the block' })
  edit('sql/tests/senders_per_block/range.yaml', COUNT)
  edit('sql/transforms/busy_blocks.sql', { 'WHERE block_number': 'WHERE senders >= 5 AND block_number' })
  edit('sql/tests/busy_blocks/range.yaml', {
    'block_number: 100 }': 'block_number: 100, senders: 5 }',
    'block_number: 101 }': 'block_number: 101, senders: 6 }',
  })
  block('sql', readFileSync(join(project, 'sql/transforms/senders_per_block.sql'), 'utf8'))
  await backfill('check --offline')
  await backfill('test')

  say(
    '## On your server',
    'Copy `.env.example` to `.env` and fill it in. `BACKFILL_LAG=0`: rows of this source are complete when they arrive.',
    'Source tables in another database than `default` are named by `SOURCE_CLICKHOUSE_DATABASE`.',
  )
  write(
    '.env',
    `TARGET_CLICKHOUSE_URL=${server.url}\nTARGET_CLICKHOUSE_USERNAME=${server.username}\nTARGET_CLICKHOUSE_PASSWORD=${server.password}\nBACKFILL_LAG=0\n`,
  )
  block('', shown(readFileSync(join(project, '.env'), 'utf8')))
  await backfill('check')
  await backfill('plan')
  await backfill('up')
  await backfill('status')
  say('More rows arrive; `up` does what is missing, and nothing else. Cron may run it.')
  await sql(rows(2001, 2010))
  await backfill('up')

  say('## An edit', 'A sender that is written in two ways is one:')
  edit('sql/transforms/senders_per_block.sql', { 'uniqExact(sender)': 'uniqExact(upper(sender))' })
  await backfill('test')
  say('`try` builds both tables for some blocks in a scratch database, and compares:')
  await backfill('try --changed --sample 20')
  say('The done blocks are stale now. `redo` says what it would do, and does it:')
  await backfill('status --check', EXIT.stale)
  await backfill('redo --stale --dry-run')
  await backfill('redo --stale --yes')
  await backfill('verify senders_per_block busy_blocks')
  await backfill('status --check')

  say('## In CI', '`init` wrote `.github/workflows/backfill.yml`. On a pull request it runs:')
  await backfill('check --offline --sql sql --format github')
  await backfill('test --sql sql')
}

const began = performance.now()
try {
  await firstHour()
  say(`All of it took the machine ${Math.round((performance.now() - began) / 1000)} s.`)
  const whole = `${page.join('\n').trimEnd()}\n`
  if (values.output === undefined) console.log(whole)
  else writeFileSync(values.output, whole)
} catch (error) {
  console.log(page.join('\n'))
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
} finally {
  await server.stop()
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
}
