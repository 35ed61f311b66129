// Owns what the tests of the page stand on: a small chain, a table that is done up to block 20 of 24, a failure, and texts that
// would like to be markup; `serve` over it in a process of its own.
import { type ChildProcess, spawn } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { readCatalogue } from '../../src/project/sql-folder.ts'
import { environmentFor, MAIN } from './cli.ts'
import { backfillInside } from './inside.ts'
import { post, startTestServer, uniqueDatabase } from './server.ts'
import { addBlocks, createSourceTables } from './small-chain.ts'
import { SQL_FOLDER } from './workspace.ts'

export const HOSTILE = `</script><img src=x onerror="window.hacked=1"><script>window.hacked=1</script>{{script}} $& <!--`

/** The Chromium of Debian's package; undefined if there is none. */
export const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/chromium-browser'].find((path) => existsSync(path))

export type PageScene = Awaited<ReturnType<typeof openPageScene>>

export async function openPageScene() {
  const server = await startTestServer()
  const own = {
    source: uniqueDatabase('source'),
    target: uniqueDatabase('target'),
    ledger: uniqueDatabase('ledger'),
  }
  const folder = mkdtempSync(join(tmpdir(), 'backfill-page-'))
  const sql = join(folder, 'sql')
  cpSync(SQL_FOLDER, sql, { recursive: true })
  const file = join(sql, 'transforms/block_slots_stat.sql')
  const text = readFileSync(file, 'utf8').replace(
    /^--! description: .*$/m,
    () => `--! description: ${HOSTILE}`,
  )
  mkdirSync(join(sql, 'audits/block_slots_stat'), { recursive: true })
  writeFileSync(
    join(sql, 'audits/block_slots_stat/none.sql'),
    'SELECT * FROM {target:Identifier}.int_block_slots_stat WHERE block_number BETWEEN {from_block:UInt64} AND {to_block:UInt64} AND slots_set > 1000',
  )
  const env = { ...environmentFor(server, own), BACKFILL_LAG: '0', BACKFILL_SQL: sql }
  const run = (...words: readonly string[]) => backfillInside(words, env)
  await createSourceTables(server, await readCatalogue(SQL_FOLDER), own.source)
  await addBlocks(server, own.source, { from: 1, to: 20 })
  await run('up', 'block_slots_stat', '--chunk', '10')
  await addBlocks(server, own.source, { from: 21, to: 24 })
  writeFileSync(file, `${text}\n-- ${HOSTILE}\n`)
  await post(
    server,
    `INSERT INTO {ledger:Identifier}.ledger (network, table_key, epoch, seq, event, range_from, range_to, attempt, run_id,
      query_id, user, error, error_code, event_time)
     SELECT 'mainnet', 'block_slots_stat', 0, 1, 'failed', 1, 9, 1, {hostile:String}, 'q', {hostile:String}, {hostile:String}, 241, now64(6) - toIntervalHour(1)`,
    { ledger: own.ledger, hostile: HOSTILE },
  )
  const child = spawn(process.execPath, [MAIN, 'serve', '--listen', '127.0.0.1:0'], {
    cwd: folder,
    env,
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const url = await addressOf(child)
  return {
    folder,
    run,
    child,
    url,
    async close() {
      child.kill('SIGKILL')
      rmSync(folder, { recursive: true, force: true })
      await server.stop()
    },
  }
}

/** What it says once it listens. */
function addressOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let said = ''
    child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      said += text
      const [url] = /http:\S+/.exec(said) ?? []
      if (url !== undefined) resolve(url)
    })
    child.once('close', () => reject(new Error(`serve has ended: ${said}`)))
  })
}

/** What axe, which the page has loaded, finds serious: its rule and the element. */
export async function seriousOf(page: Page): Promise<readonly string[]> {
  const { violations } = await page.evaluate<{
    readonly violations: readonly {
      id: string
      impact: string
      nodes: readonly { html: string; any: readonly { message: string }[] }[]
    }[]
  }>('axe.run()')
  return violations
    .filter(({ impact }) => ['serious', 'critical'].includes(impact))
    .flatMap(({ id, nodes }) =>
      nodes.map(({ html, any }) => `${id}: ${html.slice(0, 200)} ${any[0]?.message}`),
    )
}
