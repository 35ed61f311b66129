// Owns the promise that rows cross in constant memory: a slow target slows the source, not the runner.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { readCatalogue } from '../../../src/project/sql-folder.ts'
import { startBackfill } from '../../support/cli.ts'
import { HEAVY_TABLE, writeHeavyFolder } from '../../support/heavy-rows.ts'
import { outcome, temporaryDirectory } from '../../support/processes.ts'
import { startTestServer, uniqueDatabase } from '../../support/server.ts'
import { addBlocks, createSourceTables } from '../../support/small-chain.ts'
import { startThrottle } from '../../support/throttle.ts'
import { SQL_FOLDER } from '../../support/workspace.ts'

const [MEGABYTES, BLOCKS, MB_PER_SECOND] = [300, 10, 100]

/**
 * What the stream may add to the program, which is bigger here than where it is published: it strips its own types. The
 * whole is measured by `npm run bench:two-servers -- --memory`.
 */
const ADDED_MB = 120

test.runIf(process.platform === 'linux')(
  `${MEGABYTES} MB cross to a target that takes ${MB_PER_SECOND} MB a second, and the runner grows by less than ${ADDED_MB} MB`,
  async () => {
    const [from, to] = await Promise.all([startTestServer(), startTestServer()])
    onTestFinished(async () => void (await Promise.all([from.stop(), to.stop()])))
    const source = uniqueDatabase('source')
    await createSourceTables(from, await readCatalogue(SQL_FOLDER), source)
    await addBlocks(from, source, { from: 1, to: BLOCKS })
    const slow = await startThrottle(to.url, MB_PER_SECOND * 1e6)
    onTestFinished(() => slow.close())
    const sql = join(temporaryDirectory(), 'sql')
    writeHeavyFolder(sql, { megabytes: MEGABYTES, blocks: BLOCKS })

    const child = startBackfill(['up', '--quiet', '--lag', '0', '--sql', sql, '--tables', HEAVY_TABLE], {
      env: {
        SOURCE_CLICKHOUSE_URL: from.url,
        SOURCE_CLICKHOUSE_USERNAME: from.username,
        SOURCE_CLICKHOUSE_PASSWORD: from.password,
        SOURCE_CLICKHOUSE_DATABASE: source,
        TARGET_CLICKHOUSE_URL: slow.url,
        TARGET_CLICKHOUSE_USERNAME: to.username,
        TARGET_CLICKHOUSE_PASSWORD: to.password,
        TARGET_CLICKHOUSE_DATABASE: uniqueDatabase('target'),
        BACKFILL_LEDGER_DATABASE: uniqueDatabase('ledger'),
      },
    })
    let [before, highest] = [0, 0]
    const sampler = setInterval(() => {
      const megabytes = residentMegabytes(child.pid)
      if (slow.passed() < 1e6) before = megabytes
      highest = Math.max(highest, megabytes)
    }, 50)
    const started = performance.now()
    const { code, stderr } = await outcome(child)
    clearInterval(sampler)
    expect(code, stderr).toBe(0)
    expect(slow.passed()).toBeGreaterThan(MEGABYTES * 1e6)
    // Else nothing has been slowed down.
    expect(performance.now() - started).toBeGreaterThan((MEGABYTES / MB_PER_SECOND) * 1000 * 0.9)
    console.log(`the runner's resident memory: ${before.toFixed(0)} MB, at most ${highest.toFixed(0)} MB`)
    expect(before).toBeGreaterThan(0)
    expect(highest - before).toBeLessThan(ADDED_MB)
  },
)

function residentMegabytes(pid: number | undefined): number {
  try {
    const [, kilobytes = '0'] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
    return Number(kilobytes) / 1000
  } catch {
    return 0
  }
}
