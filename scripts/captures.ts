// Owns `npm run captures [-- --output docs/reference/screens.md]`: what an operator sees, taken from real runs on a real server,
// as a page of the docs. For each of six disasters the screen of `status` alone must name the command that mends it: that command is
// typed, and `status --check` must be content then. The first one that is not ends it with 1.
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { readCatalogue } from '../src/project/sql-folder.ts'
import { addBlocks, createSourceTables } from '../test/support/small-chain.ts'
import {
  TABLES,
  BLOCKS,
  SQL,
  folder,
  server,
  page,
  say,
  block,
  sql,
  backfill,
  capture,
  until,
  start,
  chunksDone,
  atEnd,
  onEnd,
} from './captures/scene.ts'

const { values } = parseArgs({ options: { output: { type: 'string' } } })

/** `status` names the way out; it is typed; then all is well. */
async function disaster(
  title: string,
  happens: string,
  {
    mend,
    sees,
    more = {},
  }: {
    readonly sees: RegExp
    readonly mend: readonly (readonly [string, RegExp])[]
    readonly more?: Record<string, string>
  },
): Promise<void> {
  say(`### ${title}`, happens)
  const screen = (await capture(`status --tables ${TABLES}`, { more })).replaceAll(/\s+/g, ' ')
  if (!sees.test(screen)) throw new Error(`${title}: status does not say ${sees}:\n${screen}`)
  for (const [words, named] of mend) {
    if (!named.test(screen)) throw new Error(`${title}: status does not name ${named}:\n${screen}`)
    if (words.startsWith('DROP')) {
      await sql(words)
      block(words)
    } else {
      await backfill(words, { more })
      block(`$ backfill ${words}`)
    }
  }
  await backfill(`status --check --max-incomplete-age 99999h --max-behind 100000 --tables ${TABLES}`, {
    more,
  })
}

async function live(): Promise<void> {
  say('## A run in a terminal', 'At 80 columns: its start, its middle, and its end.')
  for (const [columns, from, to] of [
    [80, 1, BLOCKS],
    [120, BLOCKS + 1, 2 * BLOCKS],
  ] as const) {
    if (columns === 120) say('At 120 columns:')
    await addBlocks(server, 'xatu', { from, to })
    const { frames } = await backfill(`up --tables ${TABLES} --chunk 150 --jobs 2`, { columns })
    const drawn = frames.filter((frame) => frame.includes('chunk '))
    const at = (share: number) => drawn[Math.floor((drawn.length - 1) * share)] ?? ''
    for (const frame of [at(0.1), at(0.5), frames.at(-1) ?? '']) block(frame)
  }
}

async function errands(): Promise<void> {
  say(
    '## Ten errands while a run goes on',
    'None of them kills the run. [Steering](../how-to/steering.md) says more.',
  )
  await addBlocks(server, 'xatu', { from: 2 * BLOCKS + 1, to: 4 * BLOCKS })
  const before = await chunksDone()
  const run = start(`up --tables ${TABLES} --chunk 100 --jobs 1`)
  const ended = new Promise<number | null>((done) => run.once('close', done))
  await until('a chunk is done', async () => (await chunksDone()) > before)
  say('**Slower.**')
  await capture('limit --jobs 1')
  say('**Pause.**')
  await capture('pause --until 3h')
  say('**How far is it? What does it wait for? Who started it?**')
  await capture(`status --tables ${TABLES}`)
  say('**Only these tables.**')
  await capture('resume')
  await capture('pause address_last_access')
  say('**What has it cost so far?**')
  await capture('log --limit 1')
  say('**Go on.**')
  await capture('resume')
  say('**Tell me when block N is ready.**')
  await capture(`wait block_slots_stat --to ${2 * BLOCKS + 100} --timeout 10m`)
  say('**Stop after this chunk**: Ctrl-C, or `kill -INT`. The exit code is 130.')
  run.kill('SIGINT')
  const code = await ended
  if (code !== 130) throw new Error(`the run ended with ${code}, not with 130`)
  await backfill(`up --tables ${TABLES}`)
}

const KILLS = 20

/** Whether a chunk has begun and not ended. */
const isOpen = async () => {
  const rows = await sql(
    "SELECT uniqExactIf(query_id, event = 'started') > uniqExactIf(query_id, event IN ('done', 'failed') AND query_id != '') AS open FROM backfill.ledger",
  )
  return (rows[0] as { open: number }).open === 1
}

/** A run that dies between two chunks leaves nothing behind: another is started then. */
async function killInAChunk(): Promise<void> {
  for (let kills = 0; kills < KILLS && !(await isOpen()); kills++) {
    const run = start(`up --tables ${TABLES} --chunk 100 --jobs 2`)
    const ended = new Promise((done) => run.once('close', done))
    await until('a chunk has begun', isOpen)
    run.kill('SIGKILL')
    await ended
  }
}

async function disasters(): Promise<void> {
  say(
    '## Six disasters',
    'Each is prepared, `status` alone is asked, and what it says is typed. Then `status --check` ends with 0.',
  )
  await sql('TRUNCATE TABLE mainnet.int_block_slots_stat')
  await disaster('A table was truncated', 'Somebody typed TRUNCATE.', {
    sees: /block_slots_stat .* emptied /,
    mend: [
      ['DROP TABLE mainnet.int_block_slots_stat', /Type DROP TABLE mainnet\.int_block_slots_stat/],
      ['up block_slots_stat', /`backfill up block_slots_stat`/],
    ],
  })

  await disaster(
    'The ledger was lost',
    'Another, empty ledger is named, as after a typo or a loss without a backup.',
    {
      sees: /unknown rows/,
      mend: [
        ['adopt address_diffs', /`backfill adopt address_diffs`/],
        ['adopt block_slots_stat', /`backfill adopt block_slots_stat`/],
        ['adopt address_last_access', /`backfill adopt address_last_access`/],
      ],
      more: { BACKFILL_LEDGER_DATABASE: 'backfill_lost' },
    },
  )

  await addBlocks(server, 'xatu', { from: 4 * BLOCKS + 1, to: 6 * BLOCKS })
  await killInAChunk()
  await disaster('A run was killed', '`kill -9`, or the machine lost its power.', {
    sees: /dirty|in progress/,
    mend: [['up', /`backfill up/]],
  })

  await addBlocks(server, 'xatu', { from: 6 * BLOCKS + 1, to: 7 * BLOCKS })
  const before2 = await chunksDone()
  const hung = start(`up --tables ${TABLES} --chunk 50 --jobs 1`)
  await until('a chunk is done', async () => (await chunksDone()) > before2)
  hung.kill('SIGSTOP')
  onEnd(() => hung.kill('SIGKILL'))
  await disaster('A run hangs', 'Its process is stopped: it holds the locks, and does nothing.', {
    sees: /in progress .*(pid \d+|process \d+)/,
    mend: [
      [`unlock --tables ${TABLES} --yes`, /backfill unlock/],
      // The next run of cron.
      ['up', /processed now/],
    ],
  })

  const bad = join(folder, 'bad')
  cpSync(SQL, bad, { recursive: true })
  const file = join(bad, 'transforms/block_slots_stat.sql')
  writeFileSync(file, readFileSync(file, 'utf8').replace('countIf(is_set)', 'countIf(is_cleared)'))
  await addBlocks(server, 'xatu', { from: 7 * BLOCKS + 1, to: 7 * BLOCKS + 500 })
  await backfill(`up --tables ${TABLES} --sql ${bad}`)
  await disaster('Bad SQL was deployed', 'Five hundred blocks were built with it; the good file is back.', {
    sees: /block_slots_stat .*stale/,
    mend: [['redo --stale --yes', /`backfill redo (block_slots_stat )?--stale/]],
  })

  await addBlocks(server, 'xatu', { from: 7 * BLOCKS + 501, to: 7 * BLOCKS + 700 })
  await sql(
    `ALTER TABLE xatu.canonical_execution_transaction DELETE WHERE block_number > ${7 * BLOCKS + 500} SETTINGS mutations_sync = 2`,
  )
  await disaster(
    'A source stopped',
    'One of the sources gets no more rows, the others do: whoever fills it has to know.',
    {
      sees: /canonical_execution_transaction ends at block \d+, 200 blocks below its other sources/,
      mend: [],
    },
  )
}

try {
  const catalogue = await readCatalogue(SQL)
  await createSourceTables(server, catalogue, 'xatu')
  say(
    '# Screens',
    'Written by `npm run captures`, which CI runs: these are real runs of three tables on a small chain.',
  )
  await live()
  say('## Healthy')
  await capture(`status --tables ${TABLES}`, { columns: 80 })
  await capture(`status --tables ${TABLES}`, { columns: 120 })
  await errands()
  await disasters()
  if (values.output === undefined) console.log(page.join('\n'))
  else writeFileSync(values.output, `${page.join('\n').trimEnd()}\n`)
  console.log('captures: six disasters, each named by `status` with the command that mended it')
} catch (error) {
  console.log(page.join('\n'))
  console.error(error)
  process.exitCode = 1
} finally {
  atEnd.forEach((work) => work())
  await server.stop()
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
}
